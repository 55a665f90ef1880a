// SPDX-License-Identifier: Apache-2.0
/* Prints what libbpf makes of each file given, one fact per line:
 *
 *   object PATH OPENED                       "open" when libbpf refuses to open it, else "-"
 *   loaded ERROR                             what loading returned
 *   program NAME TYPE ATTACH_TYPE AUTOLOAD SECTION
 *   map TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES FLAGS EXTRA NUMA_NODE PINNED AUTOCREATE NAME
 *   code NAME HEX                            the program's instructions after linking
 *
 * Types are numbers. Every program's autoload is switched on before linking.
 */
#include <bpf/libbpf.h>
#include <stdio.h>

static void describe(struct bpf_object *obj)
{
	struct bpf_program *prog;
	struct bpf_map *map;

	bpf_object__for_each_program(prog, obj) {
		printf("program %s %d %d %d %s\n", bpf_program__name(prog), bpf_program__type(prog),
		       bpf_program__expected_attach_type(prog), bpf_program__autoload(prog),
		       bpf_program__section_name(prog));
		bpf_program__set_autoload(prog, true);
	}
	bpf_object__for_each_map(map, obj)
		printf("map %d %u %u %u %u %llu %u %d %d %s\n", bpf_map__type(map), bpf_map__key_size(map),
		       bpf_map__value_size(map), bpf_map__max_entries(map), bpf_map__map_flags(map),
		       (unsigned long long)bpf_map__map_extra(map), bpf_map__numa_node(map),
		       bpf_map__pin_path(map) != NULL, bpf_map__autocreate(map), bpf_map__name(map));
}

int main(int argc, char **argv)
{
	libbpf_set_print(NULL);
	for (int i = 1; i < argc; i++) {
		struct bpf_object *obj = bpf_object__open(argv[i]);
		struct bpf_program *prog;

		if (!obj) {
			printf("object %s open\n", argv[i]);
			continue;
		}
		printf("object %s -\n", argv[i]);
		describe(obj);
		printf("loaded %d\n", bpf_object__load(obj));
		bpf_object__for_each_program(prog, obj) {
			const unsigned char *code = (const void *)bpf_program__insns(prog);

			printf("code %s ", bpf_program__name(prog));
			for (size_t n = 0; n < bpf_program__insn_cnt(prog) * 8; n++)
				printf("%02x", code[n]);
			printf("\n");
		}
		bpf_object__close(obj);
	}
	return 0;
}
