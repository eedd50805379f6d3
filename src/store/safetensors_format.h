/* What reading and writing the format have in common. */
#ifndef REFFRAME_STORE_SAFETENSORS_FORMAT_H
#define REFFRAME_STORE_SAFETENSORS_FORMAT_H

#include "store/safetensors.h"

#define SAFETENSORS_PREFIX   8 /* bytes in front of the header: its length */
#define SAFETENSORS_MAX_DIMS 4
#define SAFETENSORS_CRC_KEY  "crc32"
enum { SAFETENSORS_CRC_DIGITS = 8 };
static const char safetensors_crc_blank[] = "00000000";

/* Bytes of an item; 0 of a type that is not known. */
size_t safetensors_type_bytes(const char *type);

/* Bytes that type and shape ask for; -1 if they are beyond size_t, or the type is unknown. */
int safetensors_wanted_bytes(const SafeTensor *tensor, size_t *ret_bytes);

#endif
