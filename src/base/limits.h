// limits.h -- every fixed bound of plumb, in one place, so that they can be documented and tested.
//
// A bound that input can reach leads to a quarantine entry or an error that names it.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_LIMITS_H
#define PL_BASE_LIMITS_H

#define PL_DEPTH_MAX            512                 // nested arrays and objects of one JSON value
#define PL_RECORD_BYTES_MAX     (16u * 1024 * 1024) // one JSON record
#define PL_DOCUMENT_BYTES_MAX   (16u * 1024 * 1024) // of a document around records in memory
#define PL_KEY_BYTES_MAX        (64u * 1024)        // one object key
#define PL_PATHS_MAX            (64u * 1024)        // paths learned per source and task
#define PL_PATHS_BYTES_MAX      (16u * 1024 * 1024) // memory of their keys
#define PL_QUARANTINE_MAX       50000               // places of one raw object listed one by one
#define PL_RETRY_MAX            250000              // entries of quarantine retried at once
#define PL_COLUMNS_MAX          1000                // columns of a table
#define PL_LIST_DEPTH_MAX       8                   // lists in lists of one column's type
#define PL_NAME_BYTES_MAX       128                 // names of tables, columns, sources
#define PL_CONFIG_BYTES_MAX     (1024u * 1024)      // one contract or mapping file
#define PL_ZONE_BYTES_MAX       (64u * 1024)        // one file of the time zone database
#define PL_PARTITION_FIELDS_MAX 16
#define PL_DECIMAL_DIGITS_MAX   38

#endif
