// SPDX-License-Identifier: Apache-2.0
/* Prints what libbpf makes of each object's programs: for every file argument a line
 * `object PATH ERROR`, then `PROGRAM HEX` for each program, its instructions after linking.
 * Every program's autoload is switched on.
 */
#include <bpf/libbpf.h>
#include <stdio.h>

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
		bpf_object__for_each_program(prog, obj)
			bpf_program__set_autoload(prog, true);
		printf("object %s %d\n", argv[i], bpf_object__load(obj));
		bpf_object__for_each_program(prog, obj) {
			const unsigned char *code = (const void *)bpf_program__insns(prog);

			printf("%s ", bpf_program__name(prog));
			for (size_t n = 0; n < bpf_program__insn_cnt(prog) * 8; n++)
				printf("%02x", code[n]);
			printf("\n");
		}
		bpf_object__close(obj);
	}
	return 0;
}
