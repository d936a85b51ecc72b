"""What the business keeps: each type of record is declared once, and whoever wants to know something about it reads the
declaration.

    INVOICES = declare(
        RecordType(
            Invoice,
            TableName.ORDERS,
            by_email=Index("CustomerEmailIndex", "customerEmail", "createdAt"),
            name="customer_name",
            email="customer_email",
            to_fields=_fields,
            from_item=_invoice,
            spoken="esa factura",
            ask="Para verificar tu identidad, ¿me decís tu nombre completo?",
        )
    )

A type has no table of its own: it names one of those that there are, and its records are told apart by their keys. What
is personal in them is marked in the class (common.masking).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, get_type_hints

from common.masking import Personal, personal
from data.backends.base import Item, Key
from data.call_indexes import CALLS_INDEXES
from data.errors import Malformed
from data.items import MISSHAPEN, appointment_item, order_item, slot_items, to_appointment, to_order
from data.models import Appointment, Order, Record, known_email
from data.samples import sample_appointments, sample_orders
from data.tables import Index, Table, TableName

# With the indexes of the records in them. Every index sorts by a time, so that a list is read in its order and page by
# page.
TABLES: dict[TableName, Table] = {
    TableName.ORDERS: Table(TableName.ORDERS, ()),
    TableName.APPOINTMENTS: Table(TableName.APPOINTMENTS, ()),
    TableName.CALLS: Table(TableName.CALLS, CALLS_INDEXES, has_ttl=True),
}

_declared: dict[type[Record], RecordType[Any]] = {}


@dataclass(frozen=True, slots=True)
class RecordType[R: Record]:
    """A declared type of record.

    `name`, `email` and `dni` are the fields that say whose a record is: by the name, and the DNI where there is one,
    callers prove that it is theirs; under the e-mail address it is exported and erased. `to_fields` gives the stored
    attributes beside the key, id and version; `from_item` makes a record of a stored item, and raises one of
    data.items.MISSHAPEN for one that is none.
    """

    kind: type[R]
    table: TableName
    by_email: Index  # its hash attribute holds the address
    name: str
    email: str
    to_fields: Callable[[R], Item]
    from_item: Callable[[Mapping[str, Any]], R]
    spoken: str  # with its article: "ese pedido"
    ask: str  # the question to a caller who has proven nothing yet
    dni: str | None = None
    by_dni: Index | None = None  # its hash attribute holds the DNI; of types that have one
    public: frozenset[str] = frozenset()  # the texts in it that are nobody's, beside the id
    indexes: tuple[Index, ...] = ()  # beside `by_email` and `by_dni`
    newest_first: bool = False  # how its lists are sorted by the time in its indexes
    samples: Callable[[date], Sequence[R]] = lambda today: ()  # what `carlos seed` adds
    holds: Callable[[R], Mapping[Key, Item]] = lambda record: {}  # items that only one record may have at a time
    counter: str = ""  # the key of the counter of ids, where it is not the type's own

    @property
    def noun(self) -> str:
        """`order`: in log lines, in findings, and in `orderId`."""
        return self.kind.__name__[0].lower() + self.kind.__name__[1:]

    @property
    def nouns(self) -> str:
        """`orders`: in paths and counts."""
        return f"{self.noun}s"

    @property
    def prefix(self) -> str:
        return f"{self.kind.__name__.upper()}#"

    @property
    def counter_key(self) -> str:
        return self.counter or f"COUNTER#{self.kind.__name__.upper()}"

    @property
    def all_indexes(self) -> tuple[Index, ...]:
        return (self.by_email, *([self.by_dni] if self.by_dni else ()), *self.indexes)

    def index(self, name: str) -> Index:
        return next(index for index in self.all_indexes if index.name == name)

    def key(self, record_id: str) -> Key:
        return f"{self.prefix}{record_id}", f"{self.prefix}{record_id}"

    def owns(self, item: Item) -> bool:
        """Whether an item of its table is one of its records, readable or not."""
        return str(item["PK"]).startswith(self.prefix)

    def item(self, record: R) -> Item:
        """As it is stored. Raise TypeError where it would be in no index of addresses, and so survive an erasure."""
        pk, sk = self.key(record.id)
        address = {self.by_email.hash: known_email(self.email_of(record))}
        keys = {"PK": pk, "SK": sk, "id": record.id, "version": record.version}
        stored = keys | self.to_fields(record) | address
        if self.by_email.range and self.by_email.range not in stored:
            raise TypeError(f"{self.noun} without {self.by_email.range} is not in {self.by_email.name}")
        return stored

    def read(self, item: Item) -> R:
        """Raise Malformed for an item that is none of its records."""
        try:
            return self.from_item(item)
        except MISSHAPEN as error:
            raise Malformed(f"{self.noun} item: {type(error).__name__}") from error

    def name_of(self, record: R) -> str:
        return str(getattr(record, self.name))

    def email_of(self, record: R) -> str:
        return str(getattr(record, self.email))

    def dni_of(self, record: R) -> str | None:
        found = getattr(record, self.dni) if self.dni else None
        return None if found is None else str(found)


def declare[R: Record](record_type: RecordType[R]) -> RecordType[R]:
    """Register a type of record, and its indexes with its table. Raise TypeError for a declaration that leaves a text
    undecided, or that does not fit to the class or to what others have declared."""
    what, kind = record_type.kind.__name__, record_type.kind
    if twin := next((each for each in _declared.values() if each.prefix == record_type.prefix), None):
        raise TypeError(f"{what}: {twin.kind.__module__}.{twin.kind.__name__} is declared already")
    if record_type.table is TableName.CALLS:
        raise TypeError(f"{what}: {record_type.table} is for calls")
    for name, marked in (
        (record_type.name, Personal.NAME),
        (record_type.email, Personal.TEXT),
        (record_type.dni, Personal.NUMBER),
    ):
        if name and personal(name) is not marked:
            raise TypeError(f"{what}.{name} is not marked {marked}")
    for field, hint in get_type_hints(kind).items():
        if hint in (str, str | None) and personal(field) is None and field not in record_type.public | {"id"}:
            raise TypeError(f"{what}.{field}: mark it as personal, or say that it is public")
    table = TABLES[record_type.table]
    for index in record_type.all_indexes:
        table = _with(table, index, what)
    TABLES[record_type.table] = table
    _declared[kind] = record_type
    return record_type


def record_types() -> tuple[RecordType[Any], ...]:
    """All that are declared."""
    return tuple(_declared.values())


def type_of[R: Record](kind: type[R]) -> RecordType[R]:
    """Raise TypeError for records that nobody has declared."""
    if kind not in _declared:
        raise TypeError(f"{kind.__name__} is not declared: data.records.declare(RecordType(…))")
    return _declared[kind]


def to_item(record: Record) -> Item:
    """A record as it is stored."""
    return type_of(type(record)).item(record)


def _with(table: Table, index: Index, what: str) -> Table:
    """Types of one table share an index of one name, which then is the same one."""
    same = [each for each in table.indexes if each.name == index.name]
    if same and same != [index]:
        raise TypeError(f"{what}: {table.name} has another {index.name}: {same[0]}")
    return table if same else replace(table, indexes=(*table.indexes, index))


ORDERS = declare(
    RecordType(
        Order,
        TableName.ORDERS,
        by_email=Index("CustomerEmailIndex", "customerEmail", "createdAt"),
        by_dni=Index("DniIndex", "dni", "createdAt"),
        indexes=(Index("StatusIndex", "status", "createdAt"),),
        newest_first=True,
        name="customer_name",
        email="customer_email",
        dni="dni",
        public=frozenset({"tracking_number"}),
        to_fields=order_item,
        from_item=to_order,
        spoken="ese pedido",
        ask="Para verificar tu identidad, ¿me decís tu DNI o tu nombre completo?",
        samples=sample_orders,
        counter="COUNTER",  # the original's
    )
)

APPOINTMENTS = declare(
    RecordType(
        Appointment,
        TableName.APPOINTMENTS,
        by_email=Index("PatientEmailIndex", "patientEmail", "date"),
        # `date` is the attribute that is written; the original declared `appointmentDate`, which nothing writes.
        indexes=(Index("DoctorDateIndex", "doctorName", "date"), Index("StatusIndex", "status", "date")),
        name="patient_name",
        email="patient_email",
        public=frozenset({"doctor_name"}),
        to_fields=appointment_item,
        from_item=to_appointment,
        spoken="esa cita",
        ask="Para verificar tu identidad, ¿me decís el nombre completo del paciente?",
        samples=sample_appointments,
        holds=slot_items,
        counter="COUNTER",  # the original's
    )
)
