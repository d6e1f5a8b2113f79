// avro_read.c -- the container's reader: header, blocks, and values by the file's own schema.
//
// SPDX-License-Identifier: Apache-2.0
#include "codec/deflate.h"
#include "iceberg/avro_int.h"

#define META_MAX 1000 // header entries

// Decoding position; every read checks `left`.
typedef struct input {
    const char *data;
    size_t left;
} input;

static bool get_long(input *in, int64_t *ret_value)
{
    uint64_t bits = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (in->left == 0) return false;
        uint8_t byte = (uint8_t)*in->data++;
        in->left--;
        if (shift == 63 && byte > 1) return false;
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *ret_value = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
        return true;
    }
    return false;
}

static bool get_run(input *in, uint64_t bytes, pl_span *ret_bytes)
{
    if (bytes > in->left) return false;
    *ret_bytes = pl_span_make(in->data, (size_t)bytes);
    in->data += bytes;
    in->left -= (size_t)bytes;
    return true;
}

static bool get_bytes(input *in, pl_span *ret_bytes)
{
    int64_t bytes;
    return get_long(in, &bytes) && bytes >= 0 && get_run(in, (uint64_t)bytes, ret_bytes);
}

static plumb_status truncated(plumb_error *err)
{
    return pl_fail(err, PLUMB_E_MALFORMED, "its Avro data ends early or is damaged");
}

// A block count of a map or array: negative counts are followed by the block's size in bytes.
static bool get_count(input *in, int64_t *ret_count)
{
    int64_t count, bytes;
    if (!get_long(in, &count)) return false;
    if (count < 0) {
        if (count == INT64_MIN || !get_long(in, &bytes)) return false;
        count = -count;
    }
    *ret_count = count;
    return (uint64_t)count <= in->left; // every item here takes at least a byte
}

static plumb_status read_header(pl_avro_reader *reader, input *in, plumb_error *err)
{
    pl_span magic, sync;
    if (!get_run(in, 4, &magic) || !pl_span_equal(magic, pl_span_make("Obj\1", 4)))
        return pl_fail(err, PLUMB_E_MALFORMED, "is not an Avro file");
    reader->meta = PL_TAKE(reader->arena, pl_avro_meta, META_MAX);
    for (;;) {
        int64_t count;
        if (!get_count(in, &count)) return truncated(err);
        if (count == 0) break;
        for (; count > 0; count--) {
            pl_span key, value;
            if (!get_bytes(in, &key) || !get_bytes(in, &value)) return truncated(err);
            if (reader->meta_count == META_MAX)
                return pl_fail(err, PLUMB_E_LIMIT, "its Avro header has more than %d entries",
                               META_MAX);
            reader->meta[reader->meta_count++] =
                (pl_avro_meta){pl_arena_cstr(reader->arena, key), value};
        }
    }
    if (!get_run(in, 16, &sync)) return truncated(err);
    memcpy(reader->sync, sync.data, 16);
    return PLUMB_OK;
}

plumb_status pl_avro_open(pl_avro_reader *reader, pl_span file, pl_arena *arena, plumb_error *err)
{
    *reader = (pl_avro_reader){.file = file, .arena = arena};
    input in = {file.data, file.bytes};
    PL_TRY(read_header(reader, &in, err));
    reader->at = file.bytes - in.left;
    pl_span codec, schema;
    if (pl_avro_header(reader, "avro.codec", &codec) && !pl_span_is(codec, "null")) {
        reader->deflate = pl_span_is(codec, "deflate");
        if (!reader->deflate)
            return pl_fail(err, PLUMB_E_MALFORMED, "its Avro codec '%.*s' is not supported",
                           PL_FMT(codec));
    }
    if (!pl_avro_header(reader, "avro.schema", &schema))
        return pl_fail(err, PLUMB_E_MALFORMED, "its Avro header has no schema");
    return pl_iceberg__avro_schema(schema, arena, &reader->schema, err);
}

void pl_avro_close(pl_avro_reader *reader)
{
    pl_buf_done(&reader->inflated);
    pl_arena_done(&reader->scratch);
}

static plumb_status next_block(pl_avro_reader *reader, plumb_error *err)
{
    input in = {reader->file.data + reader->at, reader->file.bytes - reader->at};
    pl_span block, sync;
    if (!get_long(&in, &reader->records) || reader->records < 0 || !get_bytes(&in, &block) ||
        !get_run(&in, 16, &sync) || memcmp(sync.data, reader->sync, 16) != 0) {
        reader->records = 0;
        return truncated(err);
    }
    reader->at = reader->file.bytes - in.left;
    if (reader->deflate) {
        pl_buf_reset(&reader->inflated);
        plumb_status st = pl_inflate_raw(&reader->inflated, block, PL_AVRO_BLOCK_BYTES_MAX, err);
        if (st != PLUMB_OK) {
            pl_context(err, "its Avro block");
            return st;
        }
        block = pl_buf_view(&reader->inflated);
    }
    reader->block = block;
    return PLUMB_OK;
}

static plumb_status decode(pl_avro_reader *reader, input *in, const pl_avro_type *type,
                           pl_avro_value *value, plumb_error *err);

static plumb_status take_nodes(pl_avro_reader *reader, uint64_t count, pl_avro_value **ret_items,
                               plumb_error *err)
{
    if (count > PL_AVRO_NODES_MAX - reader->nodes)
        return pl_fail(err, PLUMB_E_LIMIT, "one Avro record has more than %u values",
                       PL_AVRO_NODES_MAX);
    reader->nodes += (uint32_t)count;
    *ret_items = PL_TAKE(&reader->scratch, pl_avro_value, count);
    return PLUMB_OK;
}

static plumb_status decode_record(pl_avro_reader *reader, input *in, const pl_avro_type *type,
                                  pl_avro_value *value, plumb_error *err)
{
    PL_TRY(take_nodes(reader, type->count, &value->items, err));
    for (uint32_t i = 0; i < type->count; i++)
        PL_TRY(decode(reader, in, type->fields[i].type, &value->items[i], err));
    value->count = type->count;
    return PLUMB_OK;
}

// Blocks of items until an empty one; a map's items are key and value.
static plumb_status decode_items(pl_avro_reader *reader, input *in, const pl_avro_type *type,
                                 pl_avro_value *value, plumb_error *err)
{
    static const pl_avro_type text = {.kind = PL_AVRO_STRING};
    bool map = type->kind == PL_AVRO_MAP;
    for (;;) {
        int64_t count;
        if (!get_count(in, &count)) return truncated(err);
        if (count == 0) return PLUMB_OK;
        uint64_t more = (uint64_t)count * (map ? 2 : 1);
        pl_avro_value *items = NULL;
        PL_TRY(take_nodes(reader, value->count + more, &items, err));
        if (value->count) memcpy(items, value->items, value->count * sizeof *items);
        value->items = items;
        for (uint64_t i = 0; i < more; i++) {
            const pl_avro_type *item = map && i % 2 == 0 ? &text : type->items;
            PL_TRY(decode(reader, in, item, &items[value->count], err));
            value->count++;
        }
    }
}

static plumb_status decode_float(input *in, pl_avro_kind kind, pl_avro_value *value,
                                 plumb_error *err)
{
    pl_span bytes;
    uint64_t bits = 0;
    uint32_t size = kind == PL_AVRO_FLOAT ? 4 : 8;
    if (!get_run(in, size, &bytes)) return truncated(err);
    for (uint32_t i = 0; i < size; i++) bits |= (uint64_t)(uint8_t)bytes.data[i] << (8 * i);
    if (kind == PL_AVRO_FLOAT) {
        uint32_t narrow = (uint32_t)bits;
        float number;
        memcpy(&number, &narrow, sizeof number);
        value->f64 = (double)number;
    } else {
        memcpy(&value->f64, &bits, sizeof value->f64);
    }
    return PLUMB_OK;
}

static plumb_status decode(pl_avro_reader *reader, input *in, const pl_avro_type *type,
                           pl_avro_value *value, plumb_error *err)
{
    pl_span byte;
    int64_t branch;
    value->type = type;
    switch (type->kind) {
    case PL_AVRO_NULL:
        return PLUMB_OK;
    case PL_AVRO_BOOLEAN:
        if (!get_run(in, 1, &byte) || (uint8_t)byte.data[0] > 1) return truncated(err);
        value->i64 = byte.data[0];
        return PLUMB_OK;
    case PL_AVRO_INT:
    case PL_AVRO_LONG:
    case PL_AVRO_ENUM:
        return get_long(in, &value->i64) ? PLUMB_OK : truncated(err);
    case PL_AVRO_FLOAT:
    case PL_AVRO_DOUBLE:
        return decode_float(in, type->kind, value, err);
    case PL_AVRO_BYTES:
    case PL_AVRO_STRING:
        return get_bytes(in, &value->bytes) ? PLUMB_OK : truncated(err);
    case PL_AVRO_FIXED:
        return get_run(in, type->size, &value->bytes) ? PLUMB_OK : truncated(err);
    case PL_AVRO_ARRAY:
    case PL_AVRO_MAP:
        return decode_items(reader, in, type, value, err);
    case PL_AVRO_RECORD:
        return decode_record(reader, in, type, value, err);
    case PL_AVRO_UNION:
        if (!get_long(in, &branch) || branch < 0 || branch >= type->count) return truncated(err);
        return decode(reader, in, type->branches[branch], value, err);
    }
    return truncated(err);
}

plumb_status pl_avro_next(pl_avro_reader *reader, const pl_avro_value **ret_record,
                          plumb_error *err)
{
    while (reader->records == 0) {
        if (reader->block.bytes > 0) return truncated(err); // bytes no record claimed
        if (reader->at == reader->file.bytes) {
            *ret_record = NULL;
            return PLUMB_OK;
        }
        PL_TRY(next_block(reader, err));
    }
    pl_arena_reset(&reader->scratch);
    reader->nodes = 1;
    pl_avro_value *record = PL_TAKE(&reader->scratch, pl_avro_value, 1);
    input in = {reader->block.data, reader->block.bytes};
    PL_TRY(decode(reader, &in, reader->schema, record, err));
    if (in.left == reader->block.bytes) return truncated(err); // a record of no bytes never ends
    reader->block = pl_span_make(in.data, in.left);
    reader->records--;
    *ret_record = record;
    return PLUMB_OK;
}

bool pl_avro_header(const pl_avro_reader *reader, const char *key, pl_span *ret_value)
{
    for (uint32_t i = 0; i < reader->meta_count; i++) {
        if (strcmp(reader->meta[i].key, key) != 0) continue;
        *ret_value = reader->meta[i].value;
        return true;
    }
    return false;
}

const pl_avro_value *pl_avro_field_of(const pl_avro_value *record, int32_t id, const char *name)
{
    if (!record || record->type->kind != PL_AVRO_RECORD) return NULL;
    const pl_avro_value *found = NULL;
    for (uint32_t i = 0; i < record->count && !found; i++)
        if (record->type->fields[i].id == id && id != 0) found = &record->items[i];
    for (uint32_t i = 0; i < record->count && !found && name; i++)
        if (record->type->fields[i].id == 0 && pl_span_is(record->type->fields[i].name, name))
            found = &record->items[i];
    return found && found->type->kind != PL_AVRO_NULL ? found : NULL;
}

bool pl_avro_long(const pl_avro_value *value, int64_t *ret_value)
{
    if (!value || (value->type->kind != PL_AVRO_INT && value->type->kind != PL_AVRO_LONG &&
                   value->type->kind != PL_AVRO_BOOLEAN))
        return false;
    *ret_value = value->i64;
    return true;
}

bool pl_avro_bytes(const pl_avro_value *value, pl_span *ret_bytes)
{
    if (!value || (value->type->kind != PL_AVRO_BYTES && value->type->kind != PL_AVRO_STRING &&
                   value->type->kind != PL_AVRO_FIXED))
        return false;
    *ret_bytes = value->bytes;
    return true;
}
