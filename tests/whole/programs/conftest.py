"""A difference between the two sides is shown, not only told."""

import pytest

pytest.register_assert_rewrite("program_sides", "program_client", "program_dialog")
