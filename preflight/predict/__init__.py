# SPDX-License-Identifier: Apache-2.0
"""Object x kernel: what the object needs of a kernel once it is relocated for it.

Pure functions over facts. May import objects, kernels, core, bytecode, loaders, btf and
findings; does no I/O beyond what a Kernel reads lazily.

    predict.target     a Kernel as prediction sees it: relocation target, config, existence
    predict.relocated  an object's programs as this kernel's verifier would see them
    predict.needs      what their reachable instructions ask of the kernel
"""
