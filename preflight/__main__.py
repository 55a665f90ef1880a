# SPDX-License-Identifier: Apache-2.0
"""`python -m preflight`."""

from preflight.cli.main import main

main()
