"""Unpickling in which nothing is imported and nothing of a file is called.

The stock machine imports what a file names, calls it, and sets attributes on
the result. Here a name stays a name, a call becomes a record of itself, and
only the few functions that a caller lists (its own, never the named ones)
run. So there is no object in reach whose methods or attributes could do harm.
"""
import io
import pickle
from collections.abc import Callable

# A checkpoint's pickle holds names and numbers, not weights: some MB.
MAX_BYTES = 64 << 20
_PLAIN = (str, bytes, int, float, type(None))


class Placeholder:
    """Stands for a name in a file, or for what would come of calling it.

    Attributes:
        path: The dotted name.
        args: What it would have been called with; None: it was not.
        state: What the object would have got as its state.
        items: What would have been put into it.
    """

    def __init__(self, path: str, args: tuple | None = None) -> None:
        self.path, self.args = path, args
        self.state, self.items = None, []

    def __repr__(self) -> str:
        return f'<{self.path}, not loaded>'


def plain_key(value):
    """A dict key, of which hash and comparison are cheap and ours."""
    flat = value if isinstance(value, tuple) else (value, )
    fine = all(isinstance(item, (*_PLAIN, Placeholder)) for item in flat)
    return value if fine else Placeholder(f'a key, {type(value).__name__}')


class InertUnpickler(pickle._Unpickler):
    """Reads a pickle of any origin.

    Args:
        file: Binary file; at most ``MAX_BYTES`` are read.
        functions: Dotted name to a function of ours that may run instead.
        persistent_load: (id) -> object, for what lies outside the pickle.
    """

    # Opcodes that only make built-in values; all others are below.
    dispatch = {
        opcode[0]: pickle._Unpickler.dispatch[opcode[0]] for opcode in (
            pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP,
            pickle.POP_MARK, pickle.DUP, pickle.GET, pickle.BINGET,
            pickle.LONG_BINGET, pickle.PUT, pickle.BINPUT,
            pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.BINPERSID,
            pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.INT,
            pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG,
            pickle.LONG1, pickle.LONG4, pickle.FLOAT, pickle.BINFLOAT,
            pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING,
            pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8,
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

    def find_class(self, module: str, name: str) -> Placeholder:
        return Placeholder(f'{module}.{name}')

    def call(self, function, args: tuple):
        """What a call in the file becomes."""
        if not isinstance(function, Placeholder) or not isinstance(
                args, tuple):
            raise pickle.UnpicklingError('a call of what is no name')
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
        """Into the list or set on top of the stack."""
        target = self.stack[-1]
        if not isinstance(target, (list, Placeholder)):
            raise pickle.UnpicklingError('values appended to no list')
        (target if isinstance(target, list) else target.items).extend(values)

    def _set(self, values: list) -> None:
        """Keys and values, by turns, into the dict on top of the stack."""
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

    def _frozen_set(self) -> None:
        self.append(Placeholder('frozenset', (self.pop_mark(), )))

    dispatch |= {
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
        raise pickle.UnpicklingError(
            f'{type(error).__name__}: {str(error)[:200]}') from error
