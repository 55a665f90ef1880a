// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// mcpu=v3
/* Probes of all kinds, with what each may read, and programs that user space runs itself. */
#include "kit.h"
struct args { __u64 in[4]; __u32 n; __u32 out; };
struct call { __u64 ts, len; __u32 fd, ret; };
MAP(calls, HASH, __u64, struct call, 1024);
MAP(kinds, ARRAY, __u32, __u64, 8);
RING(rb, 1 << 16);
union attr_ { struct { __u32 map_type, key_size, value_size, max_entries; }; __u8 all[160]; };
static __u64 sums[8];
extern int bpf_kfunc_of_nobody(int a) __ksym __weak;
SEC("fentry/vfs_read") int BPF_PROG(fe_ok, struct file *f, char *buf, unsigned long n) { sums[0] += n; sums[1] += f->f_inode->i_ino; return 0; }
SEC("fentry/vfs_read") int BPF_PROG(fe_buf, struct file *f, char *buf, unsigned long n) { sums[0] += buf[0]; return 0; }
SEC("fentry/vfs_read") int BPF_PROG(fe_five, struct file *f, char *b, unsigned long n, long long *pos, int more) { return more; }
SEC("fentry/vfs_read") int BPF_PROG(fe_pos, struct file *f, char *b, unsigned long n, long long *pos) { sums[2] += *pos; return 0; }
SEC("fexit/vfs_read") int BPF_PROG(fx_ok, struct file *f, char *b, unsigned long n, long long *pos, long ret) { if (ret > 0) sums[3] += ret; return 0; }
SEC("fexit/vfs_read") int BPF_PROG(fx_index, struct file *f, char *b, unsigned long n, long long *pos, long ret) { sums[ret]++; return 0; }
SEC("fexit/vfs_read") int BPF_PROG(fx_low, struct file *f, char *b, unsigned long n, long long *pos, long ret) { if (ret < 8) sums[ret]++; return 0; }
SEC("fexit/vfs_read") int BPF_PROG(fx_low_unsigned, struct file *f, char *b, unsigned long n, long long *pos, unsigned long ret) { if (ret < 8) sums[ret]++; return 0; }
SEC("fexit/vfs_read") int BPF_PROG(fx_one, struct file *f) { return f->f_flags == 77; }
SEC("fentry/vfs_read") int fe_write_ctx(__u64 *c) { c[2] = 0; return 0; }
SEC("fentry/vfs_read") int fe_half(__u64 *c) { return *(__u32 *)&c[2] == 77; }
SEC("fentry/vfs_read") int fe_half_ptr(__u64 *c) { return *(__u32 *)&c[0] == 77; }
SEC("fentry/vfs_read") int BPF_PROG(fe_name, struct file *f) { const unsigned char *n = f->f_path.dentry->d_name.name; return n[0] == 'x'; }
SEC("fentry/vfs_read") int BPF_PROG(fe_name_read, struct file *f) { char n[8]; bpf_probe_read_kernel_str(n, 8, f->f_path.dentry->d_name.name); return n[0] == 'x'; }
SEC("fentry/vfs_read") int BPF_PROG(fe_path, struct file *f) { char n[32]; return bpf_d_path(&f->f_path, n, 32) < 0; }
SEC("fentry/vfs_open_no_more") int BPF_PROG(fe_gone, struct file *f) { return 0; }
SEC("fmod_ret/__x64_sys_getpgid") int BPF_PROG(fm_ok, void *r, int ret) { return ret; }
SEC("fmod_ret/vfs_read") int BPF_PROG(fm_no, struct file *f) { return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(kp_ok, struct file *f, char *b, unsigned long n) { struct call c = {}; __u64 id = bpf_get_current_pid_tgid(); c.ts = bpf_ktime_get_ns(); c.len = n; bpf_map_update_elem(&calls, &id, &c, 0); return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(kp_direct, struct file *f) { sums[0] += f->f_flags; return 0; }
SEC("kprobe/vfs_read") int BPF_KPROBE(kp_core, struct file *f) { sums[0] += BPF_CORE_READ(f, f_inode, i_ino); return 0; }
SEC("kprobe/vfs_read") int kp_ctx_past(struct pt_regs *r) { return ((__u64 *)r)[21] == 1; }
SEC("kprobe/vfs_read") int kp_ctx_write(struct pt_regs *r) { r->ax = 1; return 0; }
SEC("kprobe/vfs_read") int kp_ctx_half(struct pt_regs *r) { return *(__u32 *)&r->di == 1; }
SEC("kretprobe/vfs_read") int BPF_KRETPROBE(kr_ok, long ret) { __u64 id = bpf_get_current_pid_tgid(); struct call *c = bpf_map_lookup_elem(&calls, &id); if (!c) return 0; c->ret = ret; bpf_ringbuf_output(&rb, c, sizeof(*c), 0); bpf_map_delete_elem(&calls, &id); return 0; }
SEC("kretprobe/vfs_read") int BPF_KRETPROBE(kr_pad, long ret) { struct { __u32 pid; __u64 ret; } e; e.pid = 1; e.ret = ret; bpf_ringbuf_output(&rb, &e, sizeof(e), 0); return 0; }
SEC("kretprobe/vfs_read") int BPF_KRETPROBE(kr_slots, long ret) { __u32 s = 0; if (ret > 0) for (; s < 7; s++) if (ret >> (s * 4) < 16) break; sums[s]++; return 0; }
SEC("kprobe/vfs_read") int kp_override(struct pt_regs *r) { bpf_override_return(r, -1); return 0; }
SEC("uprobe//bin/true:main") int BPF_KPROBE(up_ok, int argc, char **argv) { char a[16] = {}; char *p = 0; bpf_probe_read_user(&p, sizeof(p), argv); bpf_probe_read_user_str(a, sizeof(a), p); return a[0] == 'x'; }
SEC("uprobe//bin/true:main") int BPF_KPROBE(up_direct, int argc, char **argv) { return argv[0][0] == 'x'; }
SEC("uprobe//bin/true:main") int BPF_KPROBE(up_copy, int argc, char **argv) { char a[8]; return bpf_copy_from_user(a, 8, argv) == 0; }
SEC("uprobe.s//bin/true:main") int BPF_KPROBE(up_sleeps, int argc, char **argv) { char a[8]; return bpf_copy_from_user(a, 8, argv) == 0; }
SEC("tp/sched/sched_switch") int tp_ok(struct tp_switch *c) { char n[16]; __builtin_memcpy(n, c->next_comm, 16); return n[0] == 'x' && c->next_prio; }
SEC("tp/sched/sched_switch") int tp_str(struct tp_switch *c) { char n[16]; bpf_probe_read_kernel_str(n, 16, c->next_comm); return n[0] == 'x'; }
SEC("tp/sched/sched_switch") int tp_key(struct tp_switch *c) { __u64 *v = bpf_map_lookup_elem(&kinds, &c->next_pid); if (v) (*v)++; return 0; }
SEC("tp/sched/sched_switch") int tp_past(struct tp_switch *c) { return *(__u64 *)((char *)c + 256); }
SEC("tp/sched/sched_switch") int tp_var(struct tp_switch *c) { return c->next_comm[bpf_get_prandom_u32() & 15] == 'x'; }
SEC("tp/sched/sched_switch") int tp_loop(struct tp_switch *c) { int n = 0; for (int i = 0; i < 16; i++) if (c->next_comm[i] == '/') n++; return n; }
SEC("tp/sched/sched_switch") int tp_common(struct tp_switch *c) { return c->common == 1; }
SEC("raw_tp.w/sched_switch") int raw_w(__u64 *c) { return c[0] & 1; }
SEC("raw_tp/sched_switch") int raw_deref(__u64 *c) { return ((struct task_struct *)c[1])->pid; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_untyped, bool preempt, struct task_struct *prev, struct task_struct *next) { return prev->pid == next->pid && preempt; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_comm_key, bool preempt, struct task_struct *prev) { __u64 k = 0; __builtin_memcpy(&k, prev->comm, 8); return bpf_map_lookup_elem(&calls, &k) != 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_pid_key, bool preempt, struct task_struct *prev) { return bpf_map_lookup_elem(&kinds, &prev->pid) != 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_null, bool preempt, struct task_struct *prev) { struct task_struct *p = prev->group_leader; return p->mm->map_count; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_array, bool preempt, struct task_struct *prev) { return prev->comm[bpf_get_prandom_u32() & 15] == 'x'; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_ret, bool preempt, struct task_struct *prev) { return 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_signal, bool preempt, struct task_struct *prev) { return bpf_send_signal(9) & 0; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_stack, bool preempt, struct task_struct *prev) { __u64 s[8]; return bpf_get_task_stack(prev, s, sizeof(s), 0) > 1 && s[0] == 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_stack_wrong, bool preempt, struct task_struct *prev) { __u64 s[8]; return bpf_get_task_stack((void *)prev->mm, s, sizeof(s), 0) > 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_regs, bool preempt, struct task_struct *prev) { struct pt_regs *r = (void *)bpf_task_pt_regs(prev); return r->ip == 1; }
SEC("tp_btf/sched_switch") int BPF_PROG(tb_regs_past, bool preempt, struct task_struct *prev) { struct pt_regs *r = (void *)bpf_task_pt_regs(prev); return ((__u64 *)r)[40] == 1; }
SEC("tp_btf/sched_switch") int tb_absent(__u64 *c) { return bpf_kfunc_of_nobody ? bpf_kfunc_of_nobody(1) : 0; }
SEC("tp_btf/sched_switch") int tb_absent_called(__u64 *c) { return bpf_kfunc_of_nobody(1); }
SEC("syscall") int sc_ok(struct args *a) { a->out = a->in[0] + a->n; return 0; }
SEC("syscall") int sc_index(struct args *a) { return a->in[a->n & 3]; }
SEC("syscall") int sc_index_open(struct args *a) { return a->in[a->n]; }
SEC("syscall") int sc_far(struct args *a) { return *(__u32 *)((char *)a + 4000); }
SEC("syscall") int sc_too_far(struct args *a) { return *(__u32 *)((char *)a + 70000); }
SEC("syscall") int sc_map(struct args *a) { union attr_ u = {}; u.map_type = 2; u.key_size = 4; u.value_size = 8; u.max_entries = 1; return bpf_sys_bpf(0, &u, sizeof(u)); }
SEC("syscall") int sc_map_over(struct args *a) { union attr_ u = {}; return bpf_sys_bpf(0, &u, sizeof(u) + 8); }
SEC("syscall") int sc_close(struct args *a) { return bpf_sys_close(a->n); }
SEC("syscall") int sc_name(struct args *a) { static const char n[] = "vfs_read"; __u64 at; return bpf_kallsyms_lookup_name(n, sizeof(n), 0, &at) ? 0 : at; }
SEC("syscall") int sc_copy(struct args *a) { __u64 v; bpf_copy_from_user(&v, 8, (void *)a->in[0]); return v; }
SEC("syscall") int sc_attr_ctx(struct args *a) { return bpf_sys_bpf(1, a, 32); }
SEC("tc") int sc_not(struct __sk_buff *s) { return bpf_sys_close(3); }
