"""The configuration language of the crm shell, to and from CIB elements (features 30.19-30.40).

Pure: `parse` and `render` are inverse for everything a CIB can hold, ids that nobody refers to
left out (`loose.loosen`); `ids.assign` gives them back.
"""

from crm_shell.syntax.faults import Fault as Fault
from crm_shell.syntax.parser import Parsed as Parsed
from crm_shell.syntax.parser import Statement as Statement
from crm_shell.syntax.parser import parse as parse
from crm_shell.syntax.parser import parse_words as parse_words
