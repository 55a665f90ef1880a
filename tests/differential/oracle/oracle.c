// SPDX-License-Identifier: Apache-2.0
/*
 * What libbpf itself does with every CO-RE relocation, attach target and extern of an object.
 *
 * A unity build: libbpf.c and relo_core.c of an unmodified libbpf are included, so that static
 * functions can be called one record at a time. Nothing is loaded into a kernel. Only the
 * loop over the .BTF.ext records is restated here, so that a failing record does not end the
 * run; the real bpf_object__relocate_core() is run as well, on a second copy of the object,
 * and must agree up to its first error ("stock").
 *
 *   oracle --btf FILE [--module NAME=FILE]... [--config FILE] [--kernel-version N]
 *          [--all-programs] OBJECT...
 *
 * prints one JSON object per line and per OBJECT. --all-programs switches autoload on for
 * programs that the object leaves off.
 */
#define _GNU_SOURCE
#include "libbpf.c"
#include "relo_core.c"

static char matched[4096];
static int matched_len;
static char warning[1024];

static int listen(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[1024];
	const char *at;
	int index;

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	if (level == LIBBPF_WARN && !warning[0])
		snprintf(warning, sizeof(warning), "%s", line);
	at = strstr(line, "matching candidate #");
	if (at && strstr(line, "relo #") && sscanf(at, "matching candidate #%d", &index) == 1 &&
	    index < (int)sizeof(matched)) {
		matched[index] = (at - line >= 4 && strncmp(at - 4, "non-", 4) == 0) ? 'n' : 'y';
		if (index >= matched_len)
			matched_len = index + 1;
	}
	return 0;
}

static void forget(void)
{
	memset(matched, 0, sizeof(matched));
	matched_len = 0;
	warning[0] = 0;
}

static void put_string(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (!text) {
		printf("null");
		return;
	}
	putchar('"');
	for (; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20 || *c > 0x7e)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void put_hex(const void *bytes, int count)
{
	const unsigned char *at = bytes;

	putchar('"');
	while (count--)
		printf("%02x", *at++);
	putchar('"');
}

/* instruction bytes in the object's own byte order */
static void put_insns(const struct bpf_object *obj, const struct bpf_insn *insn, int count)
{
	struct bpf_insn copy[2];

	memcpy(copy, insn, count * sizeof(*insn));
	if (!is_native_endianness(obj)) {
		bpf_insn_bswap(&copy[0]);
		bpf_insn_bswap(&copy[1]);
	}
	put_hex(copy, count * sizeof(*insn));
}

/* libbpf's own error numbers start at 4000; the kernel's are printed by name */
static void put_error(int err)
{
	const char *name = err ? strerrorname_np(-err) : NULL;
	char number[16];

	if (err && !name) {
		snprintf(number, sizeof(number), "%d", -err);
		name = number;
	}
	put_string(name);
}

static const char *btf_name(const struct bpf_object *obj, const struct btf *btf)
{
	int i;

	for (i = 0; i < obj->btf_module_cnt; i++)
		if (obj->btf_modules[i].btf == btf)
			return obj->btf_modules[i].name;
	return "vmlinux";
}

static void put_spec(const char *prog, const struct btf *btf, const struct bpf_core_relo *relo)
{
	struct bpf_core_spec spec;
	char text[256];

	if (btf__type_by_id(btf, relo->type_id) && !bpf_core_parse_spec(prog, btf, relo, &spec)) {
		bpf_core_format_spec(text, sizeof(text), &spec);
		put_string(text);
	} else {
		printf("null");
	}
}

static void relocate_record(struct bpf_program *prog, const struct bpf_core_relo *relo, int index,
			    const char *sec_name, int section_insn, struct hashmap *cache)
{
	const struct bpf_object *obj = prog->obj;
	struct bpf_core_cand_list *cands = NULL;
	struct bpf_core_cand *kept = NULL;
	struct bpf_core_relo_res res;
	struct bpf_insn before[2], *insn;
	int i, err, kept_len = 0, slots, insn_idx = section_insn - prog->sec_insn_off;
	const char *stage = NULL;
	const struct btf_type *t;

	memset(&res, 0, sizeof(res));
	insn = &prog->insns[insn_idx];
	slots = is_ldimm64_insn(insn) && insn_idx + 1 < prog->insns_cnt ? 2 : 1;
	memcpy(before, insn, slots * sizeof(*insn));

	printf("{\"section\":");
	put_string(sec_name);
	printf(",\"index\":%d,\"section_insn\":%d,\"insn\":%d,\"program\":", index, section_insn, insn_idx);
	put_string(prog->name);
	printf(",\"kind\":");
	put_string(core_relo_kind_str(relo->kind));
	t = btf__type_by_id(obj->btf, relo->type_id);
	printf(",\"type_id\":%u,\"type\":", relo->type_id);
	put_string(t ? btf__name_by_offset(obj->btf, t->name_off) : NULL);
	printf(",\"access\":");
	put_string(btf__name_by_offset(obj->btf, relo->access_str_off));
	printf(",\"spec\":");
	put_spec(prog->name, obj->btf, relo);

	/* the list is made beforehand, so that the pruning of a record that fails can be undone */
	if (relo->kind != BPF_CORE_TYPE_ID_LOCAL && t) {
		if (!hashmap__find(cache, relo->type_id, &cands)) {
			cands = bpf_core_find_cands(prog->obj, obj->btf, relo->type_id);
			if (IS_ERR(cands))
				cands = NULL;
			else
				hashmap__set(cache, relo->type_id, cands, NULL, NULL);
		}
		if (cands && cands->len) {
			kept_len = cands->len;
			kept = calloc(kept_len, sizeof(*kept));
			memcpy(kept, cands->cands, kept_len * sizeof(*kept));
		}
	}
	forget();
	err = bpf_core_resolve_relo(prog, relo, index, obj->btf, cache, &res);
	if (err) {
		stage = "resolve";
		if (cands && kept) {
			memcpy(cands->cands, kept, kept_len * sizeof(*kept));
			cands->len = kept_len;
		}
	} else {
		err = bpf_core_patch_insn(prog->name, insn, insn_idx, relo, index, &res);
		if (err)
			stage = "patch";
	}
	printf(",\"candidates\":[");
	for (i = 0; i < kept_len; i++) {
		t = btf__type_by_id(kept[i].btf, kept[i].id);
		printf("%s{\"id\":%d,\"btf\":", i ? "," : "", kept[i].id);
		put_string(btf_name(obj, kept[i].btf));
		printf(",\"name\":");
		put_string(btf__name_by_offset(kept[i].btf, t->name_off));
		printf(",\"size\":%lld,\"match\":%s}", (long long)btf__resolve_size(kept[i].btf, kept[i].id),
		       i >= matched_len || !matched[i] ? "null" : matched[i] == 'y' ? "true" : "false");
	}
	printf("],\"stage\":");
	put_string(stage);
	printf(",\"error\":");
	put_error(err);
	printf(",\"poison\":%s,\"validate\":%s", res.poison ? "true" : "false", res.validate ? "true" : "false");
	if (stage && !strcmp(stage, "resolve"))
		printf(",\"orig\":null,\"new\":null");
	else
		printf(",\"orig\":%llu,\"new\":%llu", (unsigned long long)res.orig_val,
		       (unsigned long long)res.new_val);
	printf(",\"before\":");
	put_insns(obj, before, slots);
	printf(",\"after\":");
	put_insns(obj, insn, slots);
	printf(",\"warning\":");
	put_string(warning[0] ? warning : NULL);
	printf("}");
	free(kept);
}

/* The outer loop of bpf_object__relocate_core(), going on after a failing record. */
static void relocate_all(struct bpf_object *obj)
{
	const struct btf_ext_info_sec *sec;
	const struct bpf_core_relo *rec;
	const struct btf_ext_info *seg;
	struct hashmap *cache = hashmap__new(bpf_core_hash_fn, bpf_core_equal_fn, NULL);
	struct hashmap_entry *entry;
	int i, sec_num = 0, printed = 0;

	printf(",\"relocations\":[");
	if (obj->btf_ext && obj->btf_ext->core_relo_info.len) {
		seg = &obj->btf_ext->core_relo_info;
		for_each_btf_ext_sec(seg, sec) {
			int sec_idx = seg->sec_idxs[sec_num++];
			const char *name = btf__name_by_offset(obj->btf, sec->sec_name_off);

			for_each_btf_ext_rec(seg, sec, i, rec) {
				int section_insn = rec->insn_off / BPF_INSN_SZ;
				struct bpf_program *prog;

				if (rec->insn_off % BPF_INSN_SZ)
					continue;
				prog = find_prog_by_sec_insn(obj, sec_idx, section_insn);
				if (!prog || !prog->autoload)
					continue;
				if (printed++)
					putchar(',');
				relocate_record(prog, rec, i, name, section_insn, cache);
			}
		}
	}
	printf("]");
	hashmap__for_each_entry(cache, entry, i)
		bpf_core_free_cands(entry->pvalue);
	hashmap__free(cache);
}

static void put_attach_targets(struct bpf_object *obj)
{
	int i, printed = 0;

	printf(",\"attach\":[");
	for (i = 0; i < obj->nr_programs; i++) {
		struct bpf_program *prog = &obj->programs[i];
		const char *target = strchr(prog->sec_name, '/');
		int err, fd = 0, id = 0;

		if (prog_is_subprog(obj, prog) || !prog->sec_def ||
		    prog->sec_def->prog_prepare_load_fn != libbpf_prepare_prog_load ||
		    !(prog->sec_def->cookie & SEC_ATTACH_BTF) || prog->type == BPF_PROG_TYPE_EXT || !target)
			continue;
		err = find_kernel_btf_id(obj, target + 1, prog->expected_attach_type, &fd, &id);
		printf("%s{\"program\":", printed++ ? "," : "");
		put_string(prog->name);
		printf(",\"section\":");
		put_string(prog->sec_name);
		printf(",\"id\":%d,\"btf\":", err ? 0 : id);
		put_string(err ? NULL : fd ? obj->btf_modules[fd - 1].name : "vmlinux");
		printf(",\"error\":");
		put_error(err);
		printf("}");
	}
	printf("]");
}

static void put_externs(struct bpf_object *obj, const char *config, long kernel_version)
{
	unsigned char *data = obj->kconfig_map_idx >= 0 ? obj->maps[obj->kconfig_map_idx].mmaped : NULL;
	int i, err = 0;

	for (i = 0; i < obj->nr_extern; i++) {
		struct extern_desc *ext = &obj->externs[i];

		if (ext->type == EXT_KCFG && !strcmp(ext->name, "LINUX_KERNEL_VERSION") && kernel_version)
			set_kcfg_value_num(ext, data + ext->kcfg.data_off, kernel_version);
	}
	if (config && data)
		err = bpf_object__read_kconfig_mem(obj, config, data);
	printf(",\"kconfig_error\":");
	put_error(err);
	printf(",\"kconfig\":");
	if (data)
		put_hex(data, btf__type_by_id(obj->btf, obj->maps[obj->kconfig_map_idx].btf_value_type_id)->size);
	else
		printf("null");
	printf(",\"externs\":[");
	for (i = 0; i < obj->nr_extern; i++) {
		struct extern_desc *ext = &obj->externs[i];
		const char *kind = "kconfig";
		int id = 0;

		err = 0;
		if (ext->type == EXT_KSYM && !ext->ksym.type_id) {
			kind = "typeless";
		} else if (ext->type == EXT_KSYM) {
			bool func = !btf_is_var(btf__type_by_id(obj->btf, ext->btf_id));

			kind = func ? "kfunc" : "ksym";
			err = func ? bpf_object__resolve_ksym_func_btf_id(obj, ext)
				   : bpf_object__resolve_ksym_var_btf_id(obj, ext);
			id = ext->is_set ? ext->ksym.kernel_btf_id : 0;
		}
		printf("%s{\"name\":", i ? "," : "");
		put_string(ext->name);
		printf(",\"kind\":\"%s\",\"weak\":%s,\"set\":%s,\"id\":%d,\"error\":", kind,
		       ext->is_weak ? "true" : "false", ext->is_set ? "true" : "false", id);
		put_error(err);
		if (ext->type == EXT_KCFG)
			printf(",\"offset\":%d,\"size\":%d", ext->kcfg.data_off, ext->kcfg.sz);
		printf("}");
	}
	printf("]");
}

struct target {
	struct btf *vmlinux;
	struct module_btf modules[256];
	int module_count;
	char *config;
	long kernel_version;
	bool all_programs;
};

static struct bpf_object *open_against(const char *path, const struct target *target)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	int i;

	if (!obj)
		return NULL;
	obj->btf_vmlinux = target->vmlinux;
	obj->btf_modules_loaded = true;
	if (target->module_count) {
		obj->btf_modules = calloc(target->module_count, sizeof(*obj->btf_modules));
		memcpy(obj->btf_modules, target->modules, target->module_count * sizeof(*obj->btf_modules));
		obj->btf_module_cnt = target->module_count;
	}
	for (i = 0; target->all_programs && i < obj->nr_programs; i++)
		obj->programs[i].autoload = true;
	return obj;
}

static void close_kept(struct bpf_object *obj)
{
	obj->btf_vmlinux = NULL;
	free(obj->btf_modules);
	obj->btf_modules = NULL;
	obj->btf_module_cnt = 0;
	bpf_object__close(obj);
}

static void run(const char *path, const struct target *target)
{
	struct bpf_object *obj, *stock;
	int i, err, printed = 0;

	forget();
	obj = open_against(path, target);
	printf("{\"object\":");
	put_string(path);
	if (!obj) {
		printf(",\"open_error\":");
		put_error(-errno);
		printf(",\"warning\":");
		put_string(warning);
		printf("}\n");
		return;
	}
	printf(",\"programs\":[");
	for (i = 0; i < obj->nr_programs; i++) {
		struct bpf_program *prog = &obj->programs[i];

		printf("%s{\"name\":", printed++ ? "," : "");
		put_string(prog->name);
		printf(",\"section\":");
		put_string(prog->sec_name);
		printf(",\"insn\":%zu,\"count\":%zu,\"autoload\":%s}", prog->sec_insn_off, prog->sec_insn_cnt,
		       prog->autoload ? "true" : "false");
	}
	printf("]");
	relocate_all(obj);
	put_attach_targets(obj);
	put_externs(obj, target->config, target->kernel_version);

	stock = open_against(path, target);
	forget();
	err = stock->btf_ext ? bpf_object__relocate_core(stock, NULL) : 0;
	printf(",\"stock_error\":");
	put_error(err);
	printf(",\"stock_warning\":");
	put_string(err ? warning : NULL);
	if (!err) {
		/* without an error the restated loop must have left the very same instructions */
		for (i = 0; i < obj->nr_programs; i++)
			if (memcmp(obj->programs[i].insns, stock->programs[i].insns,
				   obj->programs[i].insns_cnt * sizeof(struct bpf_insn)))
				break;
		printf(",\"stock_agrees\":%s", i == obj->nr_programs ? "true" : "false");
	}
	printf("}\n");
	close_kept(stock);
	close_kept(obj);
}

static char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, 0, file) < 0) {
		perror(path);
		exit(2);
	}
	fclose(file);
	return text;
}

int main(int argc, char **argv)
{
	static struct target target;
	int i;

	libbpf_set_print(listen);
	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--all-programs")) {
			target.all_programs = true;
		} else if (i + 1 < argc && !strcmp(argv[i], "--btf")) {
			target.vmlinux = btf__parse(argv[++i], NULL);
			if (!target.vmlinux) {
				fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
				return 2;
			}
		} else if (i + 1 < argc && !strcmp(argv[i], "--module") && strchr(argv[i + 1], '=')) {
			char *name = argv[++i], *path = strchr(name, '=');
			struct module_btf *module = &target.modules[target.module_count];

			*path++ = 0;
			module->btf = btf__parse_split(path, target.vmlinux);
			if (!module->btf || target.module_count == 255) {
				fprintf(stderr, "%s: %s\n", path, strerror(errno));
				return 2;
			}
			module->name = name;
			module->fd = ++target.module_count;
		} else if (i + 1 < argc && !strcmp(argv[i], "--config")) {
			target.config = slurp(argv[++i]);
		} else if (i + 1 < argc && !strcmp(argv[i], "--kernel-version")) {
			target.kernel_version = strtol(argv[++i], NULL, 0);
		} else {
			break;
		}
	}
	if (!target.vmlinux || i == argc) {
		fprintf(stderr, "usage: oracle --btf FILE [--module NAME=FILE]... [--config FILE] "
				"[--kernel-version N] [--all-programs] OBJECT...\n");
		return 2;
	}
	for (; i < argc; i++)
		run(argv[i], &target);
	return 0;
}
