// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// clang-14
/* Numbers that agents compute with: hashes, digits, tables, averages, searches, and what of them bounds an index. */
#include "kit.h"
MAP(arr, ARRAY, __u32, __u64[32], 1);
MAP(text, PERCPU_ARRAY, __u32, char[512], 2);
static __u64 tab[32], out_sum;
static int signed_tab[48];
static __u8 bytes[256];
const volatile __u32 build = 3;
static const char hexd[16] = "0123456789abcdef";
static const __u16 classes[8] = { 1, 5, 10, 50, 100, 500, 1000, 5000 };
struct rt { __u64 a[2]; };
#define ARG(ctx, i) ((ctx)->args[i])
#define NUM(name) SEC("raw_tp/task_rename") int name(struct bpf_raw_tracepoint_args *ctx)
INLINE __u32 rol(__u32 v, int n) { return v << n | v >> (32 - n); }
INLINE __u32 mix(__u32 a, __u32 b, __u32 c) { a -= c; a ^= rol(c, 4); c += b; b -= a; b ^= rol(a, 6); a += c; c -= b; c ^= rol(b, 8); return c ^ a; }

NUM(hash_mask) { __u32 h = mix(ARG(ctx, 0), ARG(ctx, 1), 0xdeadbeef); tab[h & 31]++; return 0; }
NUM(hash_mask_over) { __u32 h = mix(ARG(ctx, 0), ARG(ctx, 1), 0xdeadbeef); tab[h & 63]++; return 0; }
NUM(hash_shift) { __u32 h = mix(ARG(ctx, 0), ARG(ctx, 1), 1); tab[h >> 27]++; return 0; }
NUM(hash_shift_over) { __u32 h = mix(ARG(ctx, 0), ARG(ctx, 1), 1); tab[h >> 26]++; return 0; }
NUM(hash_mod) { __u32 h = mix(ARG(ctx, 0), ARG(ctx, 1), 1); tab[h % 32]++; return 0; }
NUM(hash_mod_prime) { __u32 h = mix(ARG(ctx, 0), ARG(ctx, 1), 1); tab[h % 31]++; return 0; }
NUM(hash_mod_var) { __u32 n = ARG(ctx, 2) & 31; if (!n) return 0; tab[ARG(ctx, 0) % n]++; return 0; }
NUM(hash_scale) { __u32 h = ARG(ctx, 0); tab[((__u64)h * 32) >> 32]++; return 0; }
NUM(hash_scale_33) { __u32 h = ARG(ctx, 0); tab[((__u64)h * 33) >> 32]++; return 0; }
NUM(hash_wide) { __u64 h = ARG(ctx, 0) * 0x9e3779b97f4a7c15; tab[h >> 59]++; return 0; }
NUM(hash_wide_over) { __u64 h = ARG(ctx, 0) * 0x9e3779b97f4a7c15; tab[h >> 58]++; return 0; }
NUM(and_var) { __u32 m = ARG(ctx, 1); if (m > 31) return 0; tab[ARG(ctx, 0) & m]++; return 0; }
NUM(or_var) { __u32 m = ARG(ctx, 1) & 15; tab[m | 16]++; return 0; }
NUM(or_var_over) { __u32 m = ARG(ctx, 1) & 31; tab[m | 32]++; return 0; }
NUM(xor_var) { __u32 m = ARG(ctx, 1) & 31; tab[m ^ 21]++; return 0; }
NUM(add_two) { __u32 a = ARG(ctx, 0) & 15, b = ARG(ctx, 1) & 15; tab[a + b]++; return 0; }
NUM(add_two_over) { __u32 a = ARG(ctx, 0) & 31, b = ARG(ctx, 1) & 15; tab[a + b]++; return 0; }
NUM(sub_two) { __u32 a = ARG(ctx, 0) & 15, b = ARG(ctx, 1) & 15; if (a < b) return 0; barrier_var(a); tab[a - b]++; return 0; }
NUM(sub_from) { __u32 a = ARG(ctx, 0) & 31; tab[31 - a]++; return 0; }
NUM(sub_from_over) { __u32 a = ARG(ctx, 0) & 31; tab[30 - a]++; return 0; }
NUM(mul_row) { __u32 r = ARG(ctx, 0) & 3, c = ARG(ctx, 1) & 7; tab[r * 8 + c]++; return 0; }
NUM(mul_row_over) { __u32 r = ARG(ctx, 0), c = ARG(ctx, 1); if (r > 4 || c > 7) return 0; tab[r * 8 + c]++; return 0; }
NUM(div_row) { __u32 v = ARG(ctx, 0) & 0xffff; tab[v / 2048]++; return 0; }
NUM(div_row_over) { __u32 v = ARG(ctx, 0) & 0x1ffff; tab[v / 2048]++; return 0; }
NUM(neg_abs) { int v = ARG(ctx, 0); if (v < 0) v = -v; if (v < 32) tab[v]++; return 0; }
NUM(neg_abs_checked) { int v = ARG(ctx, 0); if (v < 0) v = -v; if (v >= 0 && v < 32) tab[v]++; return 0; }
NUM(signed_low) { int v = ARG(ctx, 0); if (v > -16 && v < 32) signed_tab[v + 16]++; return 0; }
NUM(signed_low_over) { int v = ARG(ctx, 0); if (v >= -17 && v < 32) signed_tab[v + 16]++; return 0; }
NUM(signed_byte) { signed char v = ARG(ctx, 0); bytes[v + 128] = 1; return 0; }
NUM(signed_byte_bare) { signed char v = ARG(ctx, 0); bytes[v + 127] = 1; return 0; }
NUM(short_sign) { short v = ARG(ctx, 0); if (v < 0) return 0; tab[v >> 10]++; return 0; }
NUM(arsh) { int v = ARG(ctx, 0); v >>= 27; signed_tab[v + 16]++; return 0; }
NUM(arsh_over) { int v = ARG(ctx, 0); v >>= 26; signed_tab[v + 16]++; return 0; }
NUM(word_then_long) { __u64 v = ARG(ctx, 0); if ((__u32)v < 32) tab[(__u32)v]++; return 0; }
NUM(word_then_long_bare) { __u64 v = ARG(ctx, 0); if ((__u32)v < 32) tab[v]++; return 0; }
NUM(equal) { __u64 v = ARG(ctx, 0); if (v == ARG(ctx, 1) && ARG(ctx, 1) < 32) tab[v]++; return 0; }
NUM(two_vars) { __u32 a = ARG(ctx, 0), b = ARG(ctx, 1) & 31; if (a < b) tab[a]++; return 0; }
NUM(two_vars_le) { __u32 a = ARG(ctx, 0), b = ARG(ctx, 1) & 31; if (a <= b + 1) tab[a]++; return 0; }
NUM(not_equal) { __u32 a = ARG(ctx, 0) & 31; if (a != 31) tab[a + 1]++; return 0; }
NUM(not_equal_low) { __u32 a = ARG(ctx, 0) & 31; if (a != 0) tab[a - 1]++; return 0; }
NUM(not_equal_mid) { __u32 a = ARG(ctx, 0) & 31; if (a != 5) tab[a + 1]++; return 0; }
NUM(bit_set) { __u32 a = ARG(ctx, 0); if (a & ~31u) return 0; tab[a]++; return 0; }
NUM(bit_set_wide) { __u64 a = ARG(ctx, 0); if (a & 0xffffffe0) return 0; tab[a]++; return 0; }
NUM(spilled) { __u32 a = ARG(ctx, 0) & 31; asm volatile("" ::: "memory"); bpf_get_smp_processor_id(); out_sum += bpf_ktime_get_ns(); tab[a]++; return 0; }
NUM(through_map) { __u32 z = 0; __u64 *v = bpf_map_lookup_elem(&arr, &z); if (!v) return 0; if (v[0] < 32) v[v[0]]++; return 0; }
NUM(through_map_kept) { __u32 z = 0; __u64 *v = bpf_map_lookup_elem(&arr, &z), at; if (!v) return 0; at = *(volatile __u64 *)v; if (at < 32) v[at]++; return 0; }
NUM(through_map_again) { __u32 z = 0; volatile __u64 *v = bpf_map_lookup_elem(&arr, &z); if (!v) return 0; if (v[0] < 32) v[v[0]]++; return 0; }
NUM(through_map_over) { __u32 z = 0; __u64 *v = bpf_map_lookup_elem(&arr, &z), at; if (!v) return 0; at = *(volatile __u64 *)v; if (at <= 32) v[at]++; return 0; }
NUM(global_index) { if (tab[0] < 32) tab[tab[0]]++; return 0; }
NUM(cpu_index) { tab[bpf_get_smp_processor_id()]++; return 0; }
NUM(cpu_index_checked) { __u32 c = bpf_get_smp_processor_id(); if (c < 32) tab[c]++; return 0; }
NUM(classed) { __u32 v = ARG(ctx, 0), i; for (i = 0; i < 8; i++) if (v < classes[i]) break; tab[i]++; return 0; }
NUM(classed_over) { __u32 v = ARG(ctx, 0), i; for (i = 0; i < 8; i++) { barrier_var(i); if (v < classes[i & 7]) break; } tab[i * 4]++; return 0; }
NUM(search) { __u32 lo = 0, hi = 31, v = ARG(ctx, 0); for (int i = 0; i < 5 && lo < hi; i++) { __u32 m = (lo + hi) / 2; if (m < 32 && tab[m] < v) lo = m + 1; else hi = m; } if (lo < 32) tab[lo]++; return 0; }
NUM(search_bare) { __u32 lo = 0, hi = 31, v = ARG(ctx, 0); for (int i = 0; i < 5; i++) { __u32 m = (lo + hi) / 2; if (tab[m & 31] < v) lo = m + 1; else hi = m; } tab[lo]++; return 0; }
NUM(hex) { char s[17]; __u64 v = ARG(ctx, 0); for (int i = 0; i < 16; i++) { s[i] = hexd[(v >> 60) & 15]; v <<= 4; } s[16] = 0; return bpf_trace_printk(s, sizeof(s)) & 0; }
NUM(hex_bare) { char s[17]; __u64 v = ARG(ctx, 0); for (int i = 0; i < 16; i++) { s[i] = hexd[(v >> 60) & 15]; v <<= 4; } return bpf_trace_printk(s, sizeof(s)) & 0; }
NUM(hex_wide) { __u64 v = ARG(ctx, 0); return hexd[v >> 56 & 31] == 'a'; }
NUM(decimal) { char s[12] = {}; __u32 v = ARG(ctx, 0), n = 10; for (int i = 0; i < 10; i++) { s[n & 15 ? n : 0] = '0' + v % 10; v /= 10; if (!v) break; n--; if (n > 10) break; } return s[0] == '1'; }
NUM(decimal_index) { __u8 d[4]; __u32 v = ARG(ctx, 0), n = 0; while (n < 4) { d[n++] = v % 10; v /= 10; } return d[n - 1] == 1; }
NUM(parse_num) { char s[16] = {}; __u32 v = 0; bpf_get_current_comm(s, sizeof(s)); for (int i = 0; i < 15; i++) { if (s[i] < '0' || s[i] > '9') break; v = v * 10 + s[i] - '0'; } if (v < 32) tab[v]++; return 0; }
NUM(parse_digit) { char s[16] = {}; bpf_get_current_comm(s, sizeof(s)); if (s[0] >= '0' && s[0] <= '9') tab[s[0] - '0']++; return 0; }
NUM(parse_digit_half) { char s[16] = {}; bpf_get_current_comm(s, sizeof(s)); if (s[0] <= '9') tab[s[0] - '0']++; return 0; }
NUM(parse_digit_unsigned) { char s[16] = {}; bpf_get_current_comm(s, sizeof(s)); unsigned d = s[0] - '0'; if (d <= 9) tab[d]++; return 0; }
NUM(comm_tail) { char s[16]; bpf_get_current_comm(s, sizeof(s)); int n = 0; for (; n < 16; n++) if (!s[n]) break; return n ? s[n - 1] == 'd' : 0; }
NUM(comm_tail_over) { char s[16]; bpf_get_current_comm(s, sizeof(s)); __u32 n = ARG(ctx, 0) & 31; return s[n] == 'd'; }
NUM(text_copy) { __u32 z = 0; char *t = bpf_map_lookup_elem(&text, &z); long n; if (!t) return 0; n = bpf_probe_read_kernel_str(t, 256, (void *)ARG(ctx, 0)); if (n <= 0) return 0; bpf_probe_read_kernel_str(t + n, 256, (void *)ARG(ctx, 1)); return 0; }
NUM(text_copy_over) { __u32 z = 0; char *t = bpf_map_lookup_elem(&text, &z); long n; if (!t) return 0; n = bpf_probe_read_kernel_str(t, 256, (void *)ARG(ctx, 0)); if (n <= 0) return 0; bpf_probe_read_kernel_str(t + n, 257, (void *)ARG(ctx, 1)); return 0; }
NUM(text_copy_signed) { __u32 z = 0; char *t = bpf_map_lookup_elem(&text, &z); long n; if (!t) return 0; n = bpf_probe_read_kernel_str(t, 256, (void *)ARG(ctx, 0)); bpf_probe_read_kernel_str(t + n, 256, (void *)ARG(ctx, 1)); return 0; }
NUM(text_int) { __u32 z = 0; char *t = bpf_map_lookup_elem(&text, &z); int n; if (!t) return 0; n = bpf_probe_read_kernel_str(t, 256, (void *)ARG(ctx, 0)); if (n < 0) return 0; t[n & 511] = 0; return 0; }
NUM(read_var) { char b[64]; __u32 n = ARG(ctx, 1); if (n > sizeof(b)) n = sizeof(b); bpf_probe_read_kernel(b, n, (void *)ARG(ctx, 0)); return 0; }
NUM(read_var_signed) { char b[64]; int n = ARG(ctx, 1); if (n > (int)sizeof(b)) n = sizeof(b); bpf_probe_read_kernel(b, n, (void *)ARG(ctx, 0)); return 0; }
NUM(read_var_over) { char b[64]; __u32 n = ARG(ctx, 1) & 127; bpf_probe_read_kernel(b, n, (void *)ARG(ctx, 0)); return 0; }
NUM(read_var_used) { char b[64]; __u32 n = ARG(ctx, 1) & 63; bpf_probe_read_kernel(b, n, (void *)ARG(ctx, 0)); return b[8] == 1; }
NUM(ewma) { __u64 v = ARG(ctx, 0), old = tab[1]; tab[1] = old - (old >> 3) + (v >> 3); tab[2] = v > old ? v - old : old - v; return 0; }
NUM(atomic_word) { __u32 *p = (__u32 *)&tab[ARG(ctx, 0) & 31]; __sync_fetch_and_add(p, 1); return 0; }
NUM(atomic_off) { __sync_fetch_and_add((__u64 *)((char *)tab + 4), 1); return 0; }
NUM(atomic_end) { __sync_fetch_and_add((__u64 *)((char *)tab + 252), 1); return 0; }
NUM(shift_var) { __u32 n = ARG(ctx, 0) & 31; tab[(1ull << n) & 31]++; return 0; }
NUM(shift_bound) { __u32 n = ARG(ctx, 0); if (n > 4) return 0; tab[1u << n]++; return 0; }
NUM(shift_bound_over) { __u32 n = ARG(ctx, 0); if (n > 5) return 0; tab[1u << n]++; return 0; }
NUM(swap) { __u16 p = __builtin_bswap16(ARG(ctx, 0)); tab[p >> 11]++; return 0; }
NUM(swap_bare) { __u16 p = __builtin_bswap16(ARG(ctx, 0)); tab[p >> 10]++; return 0; }
NUM(min_max) { __u64 v = ARG(ctx, 0); v = v > 31 ? 31 : v; v = v < 3 ? 3 : v; tab[v - 3]++; tab[v]++; return 0; }
NUM(ptr_diff) { __u32 z = 0; __u64 *v = bpf_map_lookup_elem(&arr, &z), *w = bpf_map_lookup_elem(&arr, &z); if (!v || !w) return 0; out_sum = v - w; return 0; }
NUM(ptr_mask) { __u32 z = 0; __u64 *v = bpf_map_lookup_elem(&arr, &z); if (!v) return 0; v = (void *)((long)v & ~7ul); return *v & 1; }
NUM(ptr_loop) { __u32 z = 0; __u64 *v = bpf_map_lookup_elem(&arr, &z), *e; if (!v) return 0; for (e = v + 32; v < e; v++) out_sum += *v; return 0; }
NUM(args_past) { return ctx->args[1] == ((__u64 *)ctx)[14]; }
NUM(uninit_some) { if (build == 4) return 0; __u64 v; if (ARG(ctx, 0) > 3) v = ARG(ctx, 1); barrier_var(v); return v & 1; }
