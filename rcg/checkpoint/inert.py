"""Unpickling that imports nothing and calls nothing that a file names.

Python's unpickler imports the functions and classes that a file names, calls
them, and sets attributes of the results. A crafted file can thus run any code.

Here a name becomes a :class:`Placeholder`, and so does a call. The caller may
list functions of its own that run in place of named ones. Only built-in
values, placeholders and the results of those functions come out.
"""
import io
import pickle
import struct
from collections.abc import Callable

# The pickle in a checkpoint holds names, numbers and log histories. The
# weights lie outside.
MAX_BYTES = 256 << 20
# Opcodes of a pickle, and values that come out of it if what is shared is
# counted once for each use. A tensor takes some 45 opcodes.
MAX_STEPS = 1_000_000
_LONGEST_NAME = 1000  # of a function or class, with its module
_PLAIN = (str, bytes, float, bool, type(None))


class Placeholder:
    """Stands for a function or class that a file names, or for its result.

    Attributes:
        path: The dotted name.
        args: Arguments that the file calls it with. None if it does not.
        state: State that the file sets on the result.
        items: Items, or pairs of key and value, that the file adds to it.
    """

    def __init__(self, path: str, args: tuple | None = None) -> None:
        self.path, self.args = path, args
        self.state, self.items = None, []

    def __repr__(self) -> str:
        return f'<{self.path}, not loaded>'


def plain_key(value):
    """The value if it is safe as a key of a dict, else a placeholder.

    A dict calls the hash and the comparison of its keys. Those of built-in
    scalars and of placeholders run no code of a file and take little time.
    Tuples and integers over 60 bits are refused: many of them can have one
    hash, and then a dict is slow.
    """
    if isinstance(value, (*_PLAIN, Placeholder)) or (
            isinstance(value, int) and abs(value) < 1 << 60):
        return value
    return Placeholder(f'a key, {type(value).__name__}')


class InertUnpickler(pickle._Unpickler):
    """Reads a pickle of any origin.

    Time and memory are bounded by ``MAX_STEPS`` and by the pickle's length.

    Args:
        file: In memory, so that no length in it can ask for more than there
            is.
        functions: For dotted names, functions that run in their place.
        persistent_load: (id) -> object, for what lies outside the pickle.
    """

    # Opcodes that make built-in values only are Python's. Those below replace
    # the others; an opcode in neither list is an error.
    dispatch = {
        opcode[0]: pickle._Unpickler.dispatch[opcode[0]] for opcode in (
            pickle.PROTO, pickle.MARK, pickle.POP, pickle.POP_MARK,
            pickle.DUP, pickle.GET, pickle.BINGET, pickle.LONG_BINGET,
            pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE,
            pickle.BINPERSID,
            pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.INT,
            pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG,
            pickle.LONG1, pickle.FLOAT, pickle.BINFLOAT, pickle.STRING,
            pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.BINBYTES,
            pickle.SHORT_BINBYTES, pickle.BINBYTES8,
            pickle.UNICODE, pickle.BINUNICODE, pickle.SHORT_BINUNICODE,
            pickle.BINUNICODE8, pickle.TUPLE, pickle.EMPTY_TUPLE,
            pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3, pickle.EMPTY_LIST,
            pickle.LIST, pickle.EMPTY_DICT, pickle.GLOBAL,
            pickle.STACK_GLOBAL)
    }

    def __init__(self, file, functions: dict[str, Callable],
                 persistent_load: Callable) -> None:
        super().__init__(file, encoding='utf-8', errors='replace')
        self.functions, self.persistent_load = functions, persistent_load
        self.steps_left = MAX_STEPS
        self.file_size = file.getbuffer().nbytes

    def load(self):
        """Read the pickle; see :func:`load`."""
        self._unframer = pickle._Unframer(self._file_read,
                                          self._file_readline)
        self.read = self._unframer.read
        self.readline = self._unframer.readline
        self.metastack, self.stack, self.proto = [], [], 0
        self.append = self.stack.append
        table, read = self.dispatch, self.read
        for _ in range(MAX_STEPS):
            opcode = read(1)
            if opcode == pickle.STOP:
                return self.stack.pop()
            if not opcode or opcode[0] not in table:
                raise pickle.UnpicklingError(
                    f'its pickle has the opcode {opcode!r}')
            table[opcode[0]](self)
        raise _too_long()

    def spend(self, steps: int) -> None:
        """Count values that calls take; many could take the same ones.

        Raises:
            pickle.UnpicklingError: They are more than ``MAX_STEPS``.
        """
        self.steps_left -= steps
        if self.steps_left < 0:
            raise _too_long()

    def find_class(self, module: str, name: str) -> Placeholder:
        if len(module) + len(name) > _LONGEST_NAME:
            raise pickle.UnpicklingError('it names something with a name '
                                         'that is too long')
        return Placeholder(f'{module}.{name}')

    def call(self, function, args: tuple):
        """The result of a call in the file, often a placeholder."""
        if not isinstance(function, Placeholder) or not isinstance(
                args, tuple):
            raise pickle.UnpicklingError('a call of what is no name')
        self.spend(len(args) + sum(len(arg) for arg in args if
                                   isinstance(arg, (list, tuple))))
        ours = self.functions.get(function.path)
        if ours is None or function.args is not None:
            return Placeholder(function.path, args)
        return ours(*args)

    def _reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self.call(self.stack[-1], args)

    def _new_with_keywords(self) -> None:
        self.stack.pop()
        self._reduce()

    def _instance(self) -> None:  # protocol 0
        module, name = (self.readline()[:-1].decode() for _ in range(2))
        args = tuple(self.pop_mark())
        self.append(self.call(self.find_class(module, name), args))

    def _object(self) -> None:  # protocol 1
        function, *args = self.pop_mark()
        self.append(self.call(function, tuple(args)))

    def _build(self) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Placeholder):
            self.stack[-1].state = state

    def _put(self, values: list) -> None:
        """Add values to the list or set on top of the stack."""
        target = self.stack[-1]
        if not isinstance(target, (list, Placeholder)):
            raise pickle.UnpicklingError('values appended to no list')
        (target if isinstance(target, list) else target.items).extend(values)

    def _set(self, values: list) -> None:
        """Add items to the dict on top of the stack.

        Args:
            values: Key, value, key, value, ...
        """
        target = self.stack[-1]
        pairs = zip(map(plain_key, values[::2]), values[1::2], strict=True)
        if isinstance(target, dict):
            target.update(pairs)
        elif isinstance(target, Placeholder):
            target.items.extend(pairs)
        else:
            raise pickle.UnpicklingError('items set in no dict')

    def _dict(self) -> None:  # protocol 0
        values = self.pop_mark()
        self.append({})
        self._set(values)

    def _frame(self) -> None:
        size, = struct.unpack('<Q', self.read(8))
        if size > self.file_size:
            raise pickle.UnpicklingError('a part of its pickle is missing')
        self._unframer.load_frame(size)

    def _frozen_set(self) -> None:
        self.append(Placeholder('frozenset', (self.pop_mark(), )))

    dispatch |= {
        pickle.FRAME[0]: _frame,
        pickle.REDUCE[0]: _reduce,
        pickle.NEWOBJ[0]: _reduce,
        pickle.NEWOBJ_EX[0]: _new_with_keywords,
        pickle.INST[0]: _instance,
        pickle.OBJ[0]: _object,
        pickle.BUILD[0]: _build,
        pickle.APPEND[0]: lambda self: self._put([self.stack.pop()]),
        pickle.APPENDS[0]: lambda self: self._put(self.pop_mark()),
        pickle.ADDITEMS[0]: lambda self: self._put(self.pop_mark()),
        pickle.EMPTY_SET[0]: lambda self: self.append(Placeholder('set', ())),
        pickle.FROZENSET[0]: _frozen_set,
        pickle.SETITEM[0]: lambda self: self._set(
            [self.stack.pop(), self.stack.pop()][::-1]),
        pickle.SETITEMS[0]: lambda self: self._set(self.pop_mark()),
        pickle.DICT[0]: _dict,
    }


def _too_long() -> pickle.UnpicklingError:
    return pickle.UnpicklingError(
        f'it takes over {MAX_STEPS:,} steps to read, more than any '
        'checkpoint')


def load(file: io.BytesIO, functions: dict[str, Callable] | None = None,
         persistent_load: Callable = Placeholder):
    """Read one pickle; see :class:`InertUnpickler`.

    Raises:
        pickle.UnpicklingError: It is cut off or damaged, or not a pickle.
    """
    try:
        return InertUnpickler(file, functions or {}, persistent_load).load()
    except (pickle.UnpicklingError, MemoryError):
        raise
    except Exception as error:  # damaged bytes raise nearly any type
        # Not its text: that may show values of the file, without end.
        raise pickle.UnpicklingError(
            f'its pickle is damaged, {type(error).__name__}') from error
