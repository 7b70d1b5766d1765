# The table of exceptions: what a broker cannot do, what it does instead, and what our program must say then.
import dataclasses
import fnmatch


@dataclasses.dataclass
class Exception_:
    broker: str          # patterns of fnmatch
    case: str
    says: str            # a regular expression that the mismatch must contain: exit code and messages
    why: str             # what the broker does
    sometimes: bool = False  # the case may also work


EXCEPTIONS = []


def find_exception(broker, case):
    for each in EXCEPTIONS:
        if fnmatch.fnmatch(broker, each.broker) and fnmatch.fnmatch(case, each.case):
            return each
    return None
