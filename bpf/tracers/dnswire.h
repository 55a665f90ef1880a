// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which names are asked for on the wire, how are they answered, and how long does it take?
 *
 * Seen are DNS messages over UDP on port 53, IPv4 and IPv6 without extension headers. DNS
 * over TCP, TLS or HTTPS is not. A message passes in the context of whatever runs, so
 * there is no process to tell. Names are hashed, see names.h.
 */
#ifndef PREFLIGHT_DNSWIRE_H
#define PREFLIGHT_DNSWIRE_H

#include "health.h"
#include "latency.h"
#include "license.h"
#include "names.h"
#include <bpf/bpf_endian.h>

#define DNS_PORT 53
#define DNS_HEADER 12
#define UDP_HEADER 8
#define IP_PROTOCOL_UDP 17
#define IPV6_HEADER 40
/* Root name, type, class: the shortest question. */
#define SHORTEST_QUESTION 5
/* No resolver waits that long: the same port and id after it are another question. */
#define STALE_NS 60000000000ULL

/* Look at one type of question alone, RFC 1035, 3.2.2; 0 is all. */
const volatile __u16 target_qtype = 0;

enum dns_role {
	DNS_CLIENT = 0, /* this side asks */
	DNS_SERVER = 1, /* this side answers */
};

struct dns_start_key {
	__u8 client[16];
	__u8 server[16];
	__u16 port; /* of the client */
	__u16 id;
	enum dns_role role;
};

struct dns_start {
	__u64 ns;
};

/* Questions without an answer yet. What is never answered is pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct dns_start_key);
	__type(value, struct dns_start);
} starts SEC(".maps");

struct dns_latency_key {
	enum dns_role role;
	__u16 qtype;
	__u8 rcode;
	__u8 unused;
};

/* A full map is counted in health. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 512);
	__type(key, struct dns_latency_key);
	__type(value, struct log2_hist);
} latencies SEC(".maps");

struct dns_count_key {
	__u64 name_hash; /* 0 = not asked for, or no name */
	enum dns_role role;
	__u16 qtype;
	__u8 rcode; /* of an answer */
	__u8 answer; /* 0 = question, 1 = answer */
	__u8 truncated; /* 1 = the answer was too long for UDP */
	__u8 unused[7];
	char suffix[SUFFIX_BYTES];
};

/* Names are without number: the least recent are pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct dns_count_key);
	__type(value, __u64);
} counts SEC(".maps");

struct udp_header {
	__be16 source;
	__be16 dest;
	__be16 length;
	__be16 check;
};

struct dns_header {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 others[3];
};

/*
 * One message while a program looks at it. In a map's memory for the verifier's sake, see
 * names.h: what was found on one path is then no constant that sets it apart from the others.
 */
struct dns_message {
	struct dns_start_key key;
	struct dns_count_key count;
	__u32 network; /* offset of the network header in the packet */
	__u32 payload; /* offset of the DNS message from the network header */
	__u32 length; /* of the DNS message */
	__be16 source; /* ports */
	__be16 dest;
	__u8 outgoing; /* 1 = leaves this side */
	__u8 ipv6;
	__u8 unused[6];
	struct name_work name;
};

static const struct dns_message empty_message;

/* In use while one program runs, and deleted at its end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct dns_message);
} messages SEC(".maps");

static __always_inline void count_message(const struct dns_count_key *key)
{
	__u64 *count = bpf_map_lookup_elem(&counts, key), one = 1;

	if (!count) {
		if (!bpf_map_update_elem(&counts, key, &one, BPF_NOEXIST)) {
			health_count(HEALTH_EXPORTED);
			return;
		}
		count = bpf_map_lookup_elem(&counts, key);
	}
	if (!count) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	__sync_fetch_and_add(count, 1);
	health_count(HEALTH_EXPORTED);
}

/*
 * The network header, without a claim about what lies before it. False when it is no UDP
 * message from or to port 53, or a later fragment of one.
 */
static __always_inline bool is_dns(struct __sk_buff *skb, __u8 *ip, struct udp_header *udp, __u32 *udp_at)
{
	if (bpf_skb_load_bytes_relative(skb, 0, ip, 20, BPF_HDR_START_NET))
		return false;
	if (ip[0] >> 4 == 4) {
		/* Low 13 bits of bytes 6 and 7: where a fragment belongs. */
		if (ip[9] != IP_PROTOCOL_UDP || (ip[6] & 0x1f) || ip[7])
			return false;
		*udp_at = (ip[0] & 0xf) * 4;
	} else if (ip[0] >> 4 == 6) {
		if (ip[6] != IP_PROTOCOL_UDP)
			return false;
		*udp_at = IPV6_HEADER;
	} else {
		return false;
	}
	if (bpf_skb_load_bytes_relative(skb, *udp_at, udp, sizeof(*udp), BPF_HDR_START_NET))
		return false;
	return udp->source == bpf_htons(DNS_PORT) || udp->dest == bpf_htons(DNS_PORT);
}

/* Name and type of the first question. False when there is none. */
static __always_inline bool read_question(struct __sk_buff *skb, struct dns_message *message)
{
	__u32 at = message->network + message->payload + DNS_HEADER;
	__u64 available = message->length - DNS_HEADER;
	__be16 qtype = 0;

	if (available > NAME_TURNS)
		available = NAME_TURNS;
	/* Said once more in a form that the verifier of every kernel follows. */
	barrier_var(available);
	available &= NAME_TURNS;
	if (available < SHORTEST_QUESTION)
		return false;
	message->name.available = available;
	if (bpf_skb_load_bytes(skb, at, message->name.raw, available) || !name_from_wire(&message->name) ||
	    bpf_skb_load_bytes(skb, at + message->name.size, &qtype, sizeof(qtype)))
		return false;
	message->count.qtype = bpf_ntohs(qtype);
	message->count.name_hash = name_hash(&message->name);
	name_suffix(&message->name, message->count.suffix);
	return true;
}

static __always_inline void asked(const struct dns_message *message)
{
	struct dns_start start = { .ns = bpf_ktime_get_ns() };
	struct dns_start *before = bpf_map_lookup_elem(&starts, &message->key);

	/* Asked again: the wait goes on. */
	if (before && start.ns - before->ns < STALE_NS)
		return;
	if (before)
		health_count(HEALTH_EXPIRED);
	if (bpf_map_update_elem(&starts, &message->key, &start, BPF_ANY))
		health_count(HEALTH_UPDATE_FAILED);
}

/* False when the question was not seen. */
static __always_inline bool answered(const struct dns_message *message)
{
	struct dns_start *start = bpf_map_lookup_elem(&starts, &message->key);
	struct dns_latency_key key = {
		.role = message->count.role,
		.qtype = message->count.qtype,
		.rcode = message->count.rcode,
	};
	struct log2_hist *hist;
	__u64 took;

	if (!start)
		return false;
	took = bpf_ktime_get_ns() - start->ns;
	bpf_map_delete_elem(&starts, &message->key);
	if (outside_bounds(took))
		return true;
	hist = bpf_map_lookup_elem(&latencies, &key);
	if (!hist) {
		bpf_map_update_elem(&latencies, &key, &empty_hist, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&latencies, &key);
	}
	if (hist)
		hist_add(hist, took);
	else
		health_count(HEALTH_UPDATE_FAILED);
	return true;
}

/* Addresses of source and destination into the places of client and server. */
static __always_inline bool read_addresses(struct __sk_buff *skb, bool ipv6, __u8 *source, __u8 *dest)
{
	if (ipv6)
		return !bpf_skb_load_bytes_relative(skb, 8, source, 16, BPF_HDR_START_NET) &&
		       !bpf_skb_load_bytes_relative(skb, 24, dest, 16, BPF_HDR_START_NET);
	return !bpf_skb_load_bytes_relative(skb, 12, source, 4, BPF_HDR_START_NET) &&
	       !bpf_skb_load_bytes_relative(skb, 16, dest, 4, BPF_HDR_START_NET);
}

/* The DNS message behind the UDP header. False when it cannot be read. */
static __always_inline bool read_message(struct __sk_buff *skb, struct dns_message *message)
{
	struct dns_header dns = {};
	__u16 flags;

	if (message->length < DNS_HEADER + SHORTEST_QUESTION ||
	    bpf_skb_load_bytes(skb, message->network + message->payload, &dns, sizeof(dns)) || !dns.questions)
		return false;
	/* RFC 1035, 4.1.1: the first bit tells an answer, the low four bits how it went. */
	flags = bpf_ntohs(dns.flags);
	message->count.answer = flags >> 15;
	message->count.truncated = flags >> 9 & 1;
	message->count.rcode = message->count.answer ? flags & 0xf : 0;
	message->count.role = message->count.answer == message->outgoing ? DNS_SERVER : DNS_CLIENT;
	message->key.role = message->count.role;
	message->key.id = dns.id;
	message->key.port = message->count.answer ? message->dest : message->source;
	return (message->count.answer ? read_addresses(skb, message->ipv6, message->key.server, message->key.client)
				      : read_addresses(skb, message->ipv6, message->key.client, message->key.server)) &&
	       read_question(skb, message);
}

static __always_inline void count_dns(struct __sk_buff *skb, struct dns_message *message)
{
	if (!read_message(skb, message)) {
		health_count(HEALTH_READ_FAILED);
		return;
	}
	/* The server is the side of port 53. */
	if ((message->count.answer ? message->source : message->dest) != bpf_htons(DNS_PORT) ||
	    (target_qtype && message->count.qtype != target_qtype)) {
		health_count(HEALTH_FILTERED);
		return;
	}
	if (!message->count.answer) {
		if (sampled_out())
			return;
		asked(message);
	} else if (!answered(message)) {
		/* Its question came before the tracer, or was sampled out: then so is the answer. */
		health_count(sample_every > 1 ? HEALTH_SAMPLED_OUT : HEALTH_UNMATCHED);
		if (sample_every > 1)
			return;
	}
	count_message(&message->count);
}

/* One packet; `network` is the offset of its network header, `ip` that header. */
static __always_inline void dns_seen(struct __sk_buff *skb, bool outgoing, __u32 network, const __u8 *ip,
				     const struct udp_header *udp, __u32 udp_at)
{
	__u64 ticket = name_ticket();
	struct dns_message *message;

	health_count(HEALTH_SEEN);
	if (bpf_map_update_elem(&messages, &ticket, &empty_message, BPF_NOEXIST)) {
		health_count(HEALTH_UPDATE_FAILED);
		return;
	}
	message = bpf_map_lookup_elem(&messages, &ticket);
	if (!message)
		return;
	message->network = network;
	message->payload = udp_at + UDP_HEADER;
	message->length = bpf_ntohs(udp->length);
	/* A length below its own header is none. */
	message->length = message->length < UDP_HEADER ? 0 : message->length - UDP_HEADER;
	message->source = udp->source;
	message->dest = udp->dest;
	message->outgoing = outgoing;
	message->ipv6 = ip[0] >> 4 == 6;
	count_dns(skb, message);
	bpf_map_delete_elem(&messages, &ticket);
}

#endif
