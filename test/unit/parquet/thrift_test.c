// SPDX-License-Identifier: Apache-2.0
#include "parquet/thrift_int.h"

#include "unit.h"

static void check_bytes(const char *want, size_t bytes, pl_buf *got)
{
    CHECK_INT(bytes, got->count);
    assert_memory_equal(want, got->data, bytes);
    pl_buf_done(got);
}
#define CHECK_BYTES(literal, got) check_bytes(literal, sizeof(literal) - 1, got)

TEST(thrift_varint_takes_seven_bits_a_byte)
{
    pl_buf out = {0};
    pl_thrift__varint(&out, 0);
    pl_thrift__varint(&out, 127);
    pl_thrift__varint(&out, 128);
    pl_thrift__varint(&out, 300);
    pl_thrift__varint(&out, UINT64_MAX);
    CHECK_BYTES("\x00\x7f\x80\x01\xac\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &out);
}

TEST(thrift_integers_are_zigzag)
{
    pl_buf out = {0};
    pl_thrift t = pl_thrift__begin(&out);
    pl_thrift__i32(&t, 1, 0);
    pl_thrift__i32(&t, 2, -1);
    pl_thrift__i32(&t, 3, INT32_MIN);
    pl_thrift__i64(&t, 4, INT64_MIN);
    pl_thrift__i16(&t, 5, 150);
    pl_thrift__end(&t);
    CHECK_BYTES("\x15\x00\x15\x01\x15\xff\xff\xff\xff\x0f"
                "\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x14\xac\x02\x00",
                &out);
}

TEST(thrift_far_and_backward_fields_carry_their_id)
{
    pl_buf out = {0};
    pl_thrift t = pl_thrift__begin(&out);
    pl_thrift__bool(&t, 15, true);
    pl_thrift__bool(&t, 31, false); // 16 further: too far for the short form
    pl_thrift__bool(&t, 2, true);
    pl_thrift__end(&t);
    CHECK_BYTES("\xf1\x02\x3e\x01\x04\x00", &out);
}

TEST(thrift_structs_count_their_fields_apart)
{
    pl_buf out = {0};
    pl_thrift t = pl_thrift__begin(&out);
    pl_thrift__struct(&t, 2);
    pl_thrift__i32(&t, 1, 1);
    pl_thrift__end(&t);
    pl_thrift__text(&t, 3, PL_SPAN("ab"));
    pl_thrift__end(&t);
    CHECK_BYTES("\x2c\x15\x02\x00\x18\x02"
                "ab\x00",
                &out);
}

TEST(thrift_lists_of_fifteen_and_more_count_in_a_varint)
{
    pl_buf out = {0};
    pl_thrift t = pl_thrift__begin(&out);
    pl_thrift__list(&t, 1, PL_THRIFT_I32, 14);
    for (int i = 0; i < 14; i++) pl_thrift__i32_element(&t, 0);
    CHECK_BYTES("\x19\xe5\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &out);

    t = pl_thrift__begin(&out);
    pl_thrift__list(&t, 1, PL_THRIFT_STRUCT, 15);
    for (int i = 0; i < 15; i++) {
        pl_thrift__struct_element(&t);
        pl_thrift__end(&t);
    }
    CHECK_BYTES("\x19\xfc\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &out);
}

int main(void)
{
    return RUN_TESTS("parquet/thrift", T(thrift_varint_takes_seven_bits_a_byte),
                     T(thrift_integers_are_zigzag),
                     T(thrift_far_and_backward_fields_carry_their_id),
                     T(thrift_structs_count_their_fields_apart),
                     T(thrift_lists_of_fifteen_and_more_count_in_a_varint));
}
