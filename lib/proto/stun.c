/* stun: see stun.h. */
#include "stun.h"

#include <string.h>

#define HEADER 20
#define COOKIE 0x2112a442U
#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define FINGERPRINT_ATTR 8 /* bytes, with its header */
#define FINGERPRINT_XOR 0x5354554eU
#define SOFTWARE "tailnode"
#define FAMILY_V4 1
#define FAMILY_V6 2

/* RFC 8489 section 18.3; 0x8020 is the number from its drafts */
enum attr {
	ATTR_MAPPED_ADDRESS = 0x0001,
	ATTR_XOR_MAPPED_ADDRESS = 0x0020,
	ATTR_XOR_MAPPED_ADDRESS_OLD = 0x8020,
	ATTR_SOFTWARE = 0x8022,
	ATTR_FINGERPRINT = 0x8028,
};

struct attribute {
	uint16_t type;
	struct slice value;
};

/* CRC-32 (IEEE 802.3), four bits at a time. */
static uint32_t
crc32(struct slice s)
{
	static const uint32_t table[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8,
		0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0,
		0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static uint32_t
fingerprint(struct slice before)
{
	return crc32(before) ^ FINGERPRINT_XOR;
}

/* Header of a message of this type; *length is what it announces. */
static bool
read_header(struct reader *r, uint16_t type, uint16_t *length,
    uint8_t txid[static STUN_TXID])
{
	bool is_type = reader_u16(r) == type;
	bool is_stun;

	*length = reader_u16(r);
	is_stun = reader_u32(r) == COOKIE;
	reader_copy(r, txid, STUN_TXID);
	return is_type && is_stun && !r->failed;
}

/* The next attribute. False at the end, or with r->failed. */
static bool
next_attribute(struct reader *r, struct attribute *a)
{
	uint16_t len;

	if (r->failed || r->rest.n == 0)
		return false;
	a->type = reader_u16(r);
	len = reader_u16(r);
	a->value = reader_take(r, len);
	reader_take(r, -(size_t)len & 3); /* padding */
	return !r->failed;
}

bool
stun_request_parse(struct slice datagram, uint8_t txid[static STUN_TXID])
{
	struct reader r = { .rest = datagram };
	struct attribute a = { 0 };
	struct reader value;
	bool is_tailnode = false;
	uint16_t length; /* not looked at: the datagram says where it ends */

	if (!read_header(&r, BINDING_REQUEST, &length, txid))
		return false;
	while (next_attribute(&r, &a))
		if (a.type == ATTR_SOFTWARE && slice_is(a.value, SOFTWARE))
			is_tailnode = true;
	if (r.failed || !is_tailnode || a.type != ATTR_FINGERPRINT ||
	    a.value.n != 4)
		return false;
	value = (struct reader){ .rest = a.value };
	return reader_u32(&value) ==
	    fingerprint(slice_of(datagram.p, datagram.n - FINGERPRINT_ATTR));
}

static void
put_header(struct writer *w, uint16_t type, uint16_t length,
    const uint8_t txid[static STUN_TXID])
{
	writer_u16(w, type);
	writer_u16(w, length);
	writer_u32(w, COOKIE);
	writer_bytes(w, txid, STUN_TXID);
}

void
stun_request_put(struct writer *w, const uint8_t txid[static STUN_TXID])
{
	uint8_t message[STUN_REQUEST];
	struct writer m = writer_of(message, sizeof message);

	put_header(&m, BINDING_REQUEST, STUN_REQUEST - HEADER, txid);
	writer_u16(&m, ATTR_SOFTWARE);
	writer_u16(&m, sizeof SOFTWARE - 1);
	writer_bytes(&m, SOFTWARE, sizeof SOFTWARE - 1);
	writer_u32(&m, (uint32_t)ATTR_FINGERPRINT << 16 | 4);
	/* it covers all before its attribute, whose header is written already
	 */
	writer_u32(&m,
	    fingerprint(slice_of(message, STUN_REQUEST - FINGERPRINT_ATTR)));
	writer_bytes(w, message, m.n);
}

/* Masks an address with the cookie and the transaction id. */
static void
mask_ip(uint8_t *ip, size_t n, const uint8_t txid[static STUN_TXID])
{
	uint8_t mask[16];

	bytes_put_u32(mask, COOKIE);
	memcpy(mask + 4, txid, STUN_TXID);
	for (size_t i = 0; i < n; i++)
		ip[i] ^= mask[i];
}

void
stun_response_put(struct writer *w, const uint8_t txid[static STUN_TXID],
    const struct netaddr *mapped)
{
	uint8_t message[STUN_RESPONSE_MAX], ip[16];
	struct writer m = writer_of(message, sizeof message);
	uint16_t ip_len = mapped->is_v4 ? 4 : 16;

	memcpy(ip, mapped->ip + 16 - ip_len, ip_len);
	mask_ip(ip, ip_len, txid);
	put_header(&m, BINDING_SUCCESS, (uint16_t)(8 + ip_len), txid);
	writer_u16(&m, ATTR_XOR_MAPPED_ADDRESS);
	writer_u16(&m, (uint16_t)(4 + ip_len));
	writer_u16(&m, mapped->is_v4 ? FAMILY_V4 : FAMILY_V6);
	writer_u16(&m, mapped->port ^ (uint16_t)(COOKIE >> 16));
	writer_bytes(&m, ip, ip_len);
	writer_bytes(w, message, m.n);
}

/* The address of a (XOR-)MAPPED-ADDRESS; txid is NULL for the plain one. */
static int
read_address(struct slice value, const uint8_t *txid, struct netaddr *out)
{
	struct reader r = { .rest = value };
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };
	size_t ip_len;
	uint8_t family;
	uint16_t port;

	reader_u8(&r);
	family = reader_u8(&r);
	if (family != FAMILY_V4 && family != FAMILY_V6)
		return -1;
	ip_len = family == FAMILY_V4 ? 4 : 16;
	port = reader_u16(&r);
	reader_copy(&r, ip + 16 - ip_len, ip_len);
	if (r.failed)
		return -1;
	if (txid != NULL) {
		port ^= (uint16_t)(COOKIE >> 16);
		mask_ip(ip + 16 - ip_len, ip_len, txid);
	}
	netaddr_from_ip16(out, ip, port);
	return 0;
}

int
stun_response_parse(struct slice datagram, uint8_t txid[static STUN_TXID],
    struct netaddr *mapped)
{
	struct reader r = { .rest = datagram };
	struct netaddr plain = { 0 }, masked = { 0 };
	struct attribute a;
	uint16_t length;
	int result = 0;

	*mapped = (struct netaddr){ 0 };
	if (!read_header(&r, BINDING_SUCCESS, &length, txid))
		return -1;
	r.rest = reader_take(&r, length); /* what is after it is ignored */
	while (result == 0 && next_attribute(&r, &a)) {
		if (a.type == ATTR_XOR_MAPPED_ADDRESS ||
		    a.type == ATTR_XOR_MAPPED_ADDRESS_OLD)
			result = read_address(a.value, txid, &masked);
		else if (a.type == ATTR_MAPPED_ADDRESS)
			result = read_address(a.value, NULL, &plain);
	}
	if (result == -1 || r.failed || (!masked.is_set && !plain.is_set))
		return -1;
	*mapped = masked.is_set ? masked : plain;
	return 0;
}
