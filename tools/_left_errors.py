"""Print the errors that processes have left in a folder, each once.

    python _left_errors.py FOLDER
"""
import sys

from rcg.engine.processes.complaints import told_once

if __name__ == '__main__':
    print(f'\n{told_once(sys.argv[1])[0]}', file=sys.stderr)
