"""Help texts of the commands."""

from __future__ import annotations

from aioca.tools.output import type_name

_SECONDS = "<seconds>"
_COMMON = f"""  -h         Print this help
  -V         Print the versions of EPICS and Channel Access
Channel Access:
  -w <sec>   Time to wait, {_SECONDS} second unless EPICS_CLI_TIMEOUT is set
  -p <prio>  Priority of the circuit, 0 (lowest, the default) to 99"""
_NUMBERS = """Floating point numbers, as %g by default:
  -e <n>     As %e with n digits
  -f <n>     As %f with n digits
  -g <n>     As %g with n digits
  -s         As text with the server's precision
  -lx -lo -lb  Rounded, in hexadecimal, octal or binary
Whole numbers, decimal by default:
  -0x -0o -0b  In hexadecimal, octal or binary"""
_SEPARATOR = "  -F <char>  Character between the fields, a space by default"


def _types() -> str:
    codes = [code for code in range(39) if code not in (35, 36)]
    cells = [f"{type_name(code):<18}{code:>3}" for code in codes]
    rows = [cells[start : start + 3] for start in range(0, len(cells), 3)]
    return "\n".join("      " + "  ".join(row) for row in rows)


_HELP = {
    "get": f"""
Usage: aioca get [options] <PV name> ...

{_COMMON}
  -c         Ask for as many elements of an array as it holds now
Format, "name value" by default:
  -t         Terse: the value only
  -a         Wide: name, time stamp, value, status, severity
  -d <type>  A DBR type by number or name (DBR_ may be left out), with all it carries:
{_types()}
Enums, as text by default:
  -n         As numbers
Arrays, the number of elements and all of them by default:
  -# <n>     The first n elements
  -S         Characters as text
{_NUMBERS}
Fields:
{_SEPARATOR}

Example: aioca get -a -f8 my_channel another_channel
""",
    "put": f"""
Usage: aioca put [options] <PV name> <value> ...
       aioca put -a [options] <PV name> <number of values> <value> ...

{_COMMON}
  -c         Wait until the server has completed the write
Format, "Old : name value" and "New : name value" by default:
  -t         Terse: the new value only, without name
  -l         Long: name, time stamp, value, status, severity
Enums, as text and if there is no such text as a number by default:
  -n         Values are numbers
  -s         Values are text
Arrays, one value with all arguments joined by spaces by default:
  -S         The text as an array of characters
  -a         An array: number of values, then the values
Fields:
{_SEPARATOR}

Example: aioca put my_channel 1.2
""",
    "monitor": f"""
Usage: aioca monitor [options] <PV name> ...

{_COMMON}
  -m <mask>  Events: any of v (value), a (alarm), l (log), p (property); va by default
Time stamps, those of the server by default:
  -t <key>   s: of the server, c: of the client in parentheses, n: none, and with them
             r: since the start, i: since the last update, I: since the last of the PV
Enums, as text by default:
  -n         As numbers
Arrays, the number of elements and all of them by default:
  -# <n>     Up to n elements
  -S         Characters as text
{_NUMBERS}
Fields:
{_SEPARATOR}

Example: aioca monitor -f8 my_channel another_channel
""",
    "info": f"""
Usage: aioca info [options] <PV name> ...

{_COMMON}
  -s <level>  Print the state of the client library with this level of detail

Example: aioca info my_channel another_channel
""",
}


def usage(command: str, seconds: float) -> str:
    """The help of a command, which waits that long by default."""
    return _HELP[command].replace(_SECONDS, f"{seconds:g}")
