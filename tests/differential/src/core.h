/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The compiler's CO-RE questions by short names; no kernel or library header is needed. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

/* keeps a value from being optimised away without doing anything with it */
#define use(value) asm volatile("" : : "r"((u64)(value)))

#define byte_off(field) __builtin_preserve_field_info(field, 0)
#define byte_sz(field) __builtin_preserve_field_info(field, 1)
#define exists(field) __builtin_preserve_field_info(field, 2)
#define is_signed(field) __builtin_preserve_field_info(field, 3)
#define lshift(field) __builtin_preserve_field_info(field, 4)
#define rshift(field) __builtin_preserve_field_info(field, 5)
#define all_about(field)                                                                           \
	({                                                                                         \
		use(byte_off(field));                                                              \
		use(byte_sz(field));                                                               \
		use(exists(field));                                                                \
		use(is_signed(field));                                                             \
		use(lshift(field));                                                                \
		use(rshift(field));                                                                \
	})

#define type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, 0)
#define type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, 1)
#define type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, 2)
#define local_id(type) __builtin_btf_type_id(*(typeof(type) *)0, 0)
#define target_id(type) __builtin_btf_type_id(*(typeof(type) *)0, 1)

#define enum_exists(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 0)
#define enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 1)

/* the address of a field, relocated, as a helper's argument is */
#define field_ptr(field) use((u64)__builtin_preserve_access_index(&(field)))

char LICENSE[] SEC("license") = "GPL";
