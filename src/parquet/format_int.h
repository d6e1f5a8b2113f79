// format_int.h -- numbers of the Parquet format (parquet.thrift), as far as plumb writes them.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_PARQUET_FORMAT_INT_H
#define PL_PARQUET_FORMAT_INT_H

typedef enum pl_physical { // Type
    PL_PHYSICAL_BOOLEAN = 0,
    PL_PHYSICAL_INT32 = 1,
    PL_PHYSICAL_INT64 = 2,
    PL_PHYSICAL_FLOAT = 4,
    PL_PHYSICAL_DOUBLE = 5,
    PL_PHYSICAL_BYTES = 6,
    PL_PHYSICAL_FIXED = 7,
} pl_physical;

enum { PL_REQUIRED = 0, PL_OPTIONAL = 1, PL_REPEATED = 2 };         // FieldRepetitionType
enum { PL_CODEC_NONE = 0, PL_CODEC_SNAPPY = 1, PL_CODEC_ZSTD = 6 }; // CompressionCodec
enum { PL_DATA_PAGE = 0, PL_DICTIONARY_PAGE = 2 };                  // PageType

enum { // Encoding
    PL_PLAIN = 0,
    PL_RLE = 3,
    PL_DELTA_BINARY_PACKED = 5,
    PL_DELTA_LENGTH_BYTE_ARRAY = 6,
    PL_RLE_DICTIONARY = 8,
};

enum { // ConvertedType
    PL_CONVERTED_UTF8 = 0,
    PL_CONVERTED_LIST = 3,
    PL_CONVERTED_DECIMAL = 5,
    PL_CONVERTED_DATE = 6,
    PL_CONVERTED_TIMESTAMP_MICROS = 10,
};

enum { // LogicalType: field ids of the union
    PL_LOGICAL_STRING = 1,
    PL_LOGICAL_LIST = 3,
    PL_LOGICAL_DECIMAL = 5,
    PL_LOGICAL_DATE = 6,
    PL_LOGICAL_TIMESTAMP = 8,
};

#endif
