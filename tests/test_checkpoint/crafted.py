"""Files with crafted pickles; some would run a command if loaded."""
import io
import os
import pickle
import zipfile

import torch


class Reduce:
    """Pickles as a call of ``function(*args)``; may set a state then."""

    def __init__(self, function, *args, state=None):
        self.call = function, args, state

    def __reduce__(self):
        return self.call if self.call[2] is not None else self.call[:2]


class Pid:
    """Pickled as a persistent id."""

    def __init__(self, *pid):
        self.pid = pid


class Pickler(pickle.Pickler):

    def persistent_id(self, value):
        return value.pid if isinstance(value, Pid) else None


def pickled(value, protocol=2):
    file = io.BytesIO()
    Pickler(file, protocol).dump(value)
    return file.getvalue()


def zip_with(path, text, compression=zipfile.ZIP_STORED, **storages):
    """A file as torch writes it, with any pickle."""
    with zipfile.ZipFile(path, 'w', compression) as archive:
        archive.writestr('a/data.pkl', text)
        for key, content in storages.items():
            archive.writestr(f'a/data/{key}', content)


def crafted(kind, witness):
    command = f'touch {witness}'
    if kind == 'system':
        return Reduce(os.system, command)
    if kind == 'eval':
        return Reduce(eval, f"__import__('os').system({command!r})")
    # What allowing builtins.getattr would open: getattr finds eval, and an
    # allowed torch function calls it.
    find = Reduce(getattr, Reduce(getattr, getattr, '__self__'), 'eval')
    return Reduce(torch._utils._rebuild_parameter_with_state, find, False,
                  None, None) if kind == 'getattr' else Reduce(
                      torch._tensor._rebuild_from_type_v2, find, str,
                      (f"__import__('os').system({command!r})", ), {})


def file_in_file(path, witness):
    """A checkpoint that has torch.load read a second, crafted one."""
    inner = str(path) + '.inner'
    torch.save(crafted('system', witness), inner)
    torch.save({'model': Reduce(torch.load, inner)}, path)


def by_opcodes(witness):
    """The same command through every opcode that makes an object."""
    command = f'touch {witness}'.encode()
    system = b'cos\nsystem\n'
    yield b"(S'" + command + b"'\nios\nsystem\n."  # INST
    yield b'(' + system + b"S'" + command + b"'\no."  # OBJ
    yield system + b"(S'" + command + b"'\ntR."  # REDUCE
    yield b'\x80\x02' + system + b"(S'" + command + b"'\nt\x81."  # NEWOBJ
    yield (b'\x80\x04' + system + b"(S'" + command + b"'\nt}\x92."
           )  # NEWOBJ_EX
    # STACK_GLOBAL, with BUILD on the name and on the result.
    yield (b'\x80\x04\x8c\x02os\x8c\x06system\x93}(\x8c\x08__code__\x8c\x01x'
           b"ub(S'" + command + b"'\ntR}(\x8c\x0c__setstate__\x8c\x01xub.")
    # A module's attribute, found by a dotted name.
    yield (b"\x80\x04\x8c\x07pathlib\x8c\x09os.system\x93(S'" + command
           + b"'\ntR.")
    yield pickle.dumps(Reduce(eval, f'open({str(witness)!r}, "w")'))
