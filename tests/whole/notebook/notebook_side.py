"""Runs cells of a notebook in a kernel, as Jupyter does; in an environment of its own.

Standard input has the runs as JSON: the index of a cell, and the text that it has then.
Prints what each run put out, a line of JSON for each: {"out", "err", "result"}.
"""

import json
import sys

import nbformat
from nbclient import NotebookClient

SECONDS = 120


def outputs(cell):
    told = {"out": "", "err": "", "result": None}
    for output in cell.outputs:
        if output.output_type == "stream":
            told[output.name.removeprefix("std")] += output.text
        elif output.output_type == "execute_result":
            told["result"] = output.data["text/plain"]
    return told


def main():
    runs = json.load(sys.stdin)
    cells = [nbformat.v4.new_code_cell() for _ in range(1 + max(i for i, _ in runs))]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
    with client.setup_kernel():
        for index, text in runs:
            cells[index].source = text
            client.execute_cell(cells[index], index)  # raises what the cell raises
            print(json.dumps(outputs(cells[index])), flush=True)


if __name__ == "__main__":
    main()
