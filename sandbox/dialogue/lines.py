"""Every sentence that the local Carlos can say, so that a voice can record them before a call.

`FIXED_LINES` are whole sentences. A template holds slots in braces: the pieces between them are
`TEMPLATE_PIECES`, and `SLOT_PHRASES` is the closed vocabulary that may fill them, so that a sentence is made
of recorded phrases end to end unless it holds a caller's own words (a name, an e-mail).
"""

from __future__ import annotations

from string import Formatter

from common.spanish.numbers import spell
from common.spanish.wording import MONTHS, WEEKDAYS

FINAL_MARKER = "[FINAL]"

# Sentences without slots.
GREETING = "Hola, soy Carlos, el asistente virtual de Nova Sonic. ¿En qué te puedo ayudar?"
RESUME = "Perdón, se cortó un segundo. ¿Seguimos?"
HOW_CAN_I_HELP = "¿En qué te puedo ayudar?"
ANYTHING_ELSE = "¿Algo más en que te pueda ayudar?"
WELCOME = "De nada."
HELLO = "Hola."
GO_ON = "Dale, te escucho."
GOODBYE = "Gracias por llamar. ¡Que tengas un buen día!"
DROPPED = "Listo, lo dejamos así."
NOT_HEARD = "Perdón, no te escuché bien, ¿me lo repetís?"
NOT_UNDERSTOOD = "Perdón, no te entendí."
WHAT_I_DO = "Te puedo ayudar con pedidos y con turnos médicos."
CAPABILITIES = (
    "Puedo contarte cómo va un pedido, cancelarlo o tomarte uno nuevo, y también agendar, cambiar o cancelar "
    "un turno médico. ¿Qué necesitás?"
)
NO_PERSON = "Por ahora no te puedo pasar con una persona, pero te ayudo con pedidos y turnos médicos."
PASSING_ON = "Te paso con una persona, no cortes."
NOBODY_CAME = "Perdón, ninguna persona te pudo atender."
CALL_YOU_LATER = "¿Querés que te llamen más tarde?"
WILL_BE_CALLED = "Listo, quedó anotado: te va a llamar una persona."
ORDER_OR_APPOINTMENT = "¿Es por un pedido o por un turno médico?"
CANNOT_CHANGE_ORDER = "Un pedido no lo puedo cambiar, pero sí cancelarlo o tomarte uno nuevo."
WHICH_DOCTORS = (
    "Atienden el doctor Carlos Rodríguez, la doctora Ana López, el doctor Roberto Mendoza y la doctora Carmen Ruiz."
)
NEEDED = "Sin ese dato no te puedo ayudar con eso."
TAKE_YOUR_TIME = "Dale, te espero."
CANNOT = "Perdón, ahora no puedo hacer eso."
ASK_ORDER = "¿Me decís el número de pedido?"
ASK_APPOINTMENT = "¿Me decís el número de turno?"
ASK_IDENTITY = "¿Me decís tu DNI o tu nombre completo?"
ASK_IDENTITY_AGAIN = "¿Me repetís tu DNI o tu nombre completo?"
ASK_DNI_WHOLE = "Me faltan números del DNI. ¿Me lo decís completo?"
ASK_PATIENT = "¿Me decís el nombre completo del paciente?"
ASK_PATIENT_AGAIN = "¿Me repetís el nombre completo del paciente?"
ASK_NAME = "¿Me decís tu nombre completo?"
ASK_NAME_AGAIN = "¿Me repetís tu nombre completo?"
ASK_SURNAME = "¿Y el apellido?"
ASK_EMAIL = "¿Me decís tu correo electrónico?"
ASK_EMAIL_AGAIN = "No llegué a anotar bien el correo. ¿Me lo repetís despacio?"
ASK_ITEMS = "¿Qué productos querés pedir?"
ASK_DOCTOR = "¿Con qué doctor querés el turno?"
ASK_WHEN = "¿Para qué día y a qué hora?"
ASK_DAY = "¿Para qué día?"
ASK_HOUR = "¿A qué hora?"
ASK_CHANGE = "¿Para qué día y a qué hora lo querés pasar?"
EMERGENCY = "Si es una emergencia, cortá y llamá ya al 107, el SAME, o al 911."
I_AM_VIRTUAL = "Soy Carlos, un asistente virtual: no soy una persona."
MADE_BY = "Soy el asistente virtual de Nova Sonic."
MY_NAME = "Me llamo Carlos."
VERY_WELL = "Muy bien, gracias."
SORRY = "Perdón, te quiero ayudar."
NOT_MY_BUSINESS = "De eso no sé: yo te ayudo con pedidos y con turnos médicos."
NO_ADVICE = "No te puedo dar consejos médicos, pero sí un turno."
NO_COMPLAINTS = "Los reclamos no los puedo tomar yo, pero sí decirte cómo va un pedido, o cancelarlo."
WHAT_FOR = "Es para cuidar tus datos: así sé que sos vos."
ENGLISH = "Sorry, this is the Spanish demo. Try saying:"
TO_TRY = "Quiero saber el estado de mi pedido."
IS_IT_FOR_ME = "¿Me hablás a mí?"
FIRST_THIS = "Primero terminemos con esto."
SAY_WHAT = "Dale, decime cómo es."
ANOTHER_TIME = "Bueno, busquemos otro."
NO_SUCH_FACT = "No tengo ese dato."
TRY_A_TIME = "Decime un día y una hora, y me fijo si está libre."
NO_ORDER_NUMBER = (
    "Sin el número no lo encuentro. Está en el correo que te mandamos; si no, te puedo tomar un pedido nuevo."
)
NO_APPOINTMENT_NUMBER = (
    "Sin el número no lo encuentro. Está en el correo que te mandamos; si no, te puedo dar un turno nuevo."
)
LET_ME_LOOK = "No hay problema, lo busco."
BY_NAME = "También me sirve tu nombre completo."
ASK_PROOF = "¿Me decís tu DNI o tu correo electrónico?"
ASK_KNOWN_EMAIL = "¿Me decís el correo que nos diste?"
WHICH_ONE = "¿Cuál de ellos?"
WHICH_TIME = "¿Cuál te sirve?"
BY_KEYPAD = "Si querés, marcalo con el teclado del teléfono."
NAME_EXAMPLE = "Decime nombre y apellido, por ejemplo: Ana Pérez."
EMAIL_EXAMPLE = "Por ejemplo: ana punto pérez arroba gmail punto com."
WHEN_EXAMPLE = "Por ejemplo: el jueves a las diez de la mañana."
ITEMS_EXAMPLE = "Por ejemplo: dos teclados y un mouse."
DOCTOR_EXAMPLE = "Por ejemplo: con la doctora Ana López."
YES_OR_NO_EXAMPLE = "Decime: sí, confirmo; o si no: no, dejalo."
WISH_EXAMPLE = "Por ejemplo, decime: quiero saber cómo va mi pedido tres."
OR_LEAVE_IT = "Si preferís, lo dejamos y te ayudo con otra cosa."
CONFIRM = "¿Lo confirmás?"
YES_OR_NO = "¿Lo confirmo, sí o no?"
STILL_THERE = "¿Seguís ahí?"
MINUTE_LEFT = "Te aviso que nos queda un minuto de llamada."

FIXED_LINES: tuple[str, ...] = (
    GREETING,
    RESUME,
    STILL_THERE,
    MINUTE_LEFT,
    HOW_CAN_I_HELP,
    ANYTHING_ELSE,
    WELCOME,
    HELLO,
    GO_ON,
    GOODBYE,
    DROPPED,
    NOT_HEARD,
    NOT_UNDERSTOOD,
    WHAT_I_DO,
    CAPABILITIES,
    NO_PERSON,
    PASSING_ON,
    NOBODY_CAME,
    CALL_YOU_LATER,
    WILL_BE_CALLED,
    ORDER_OR_APPOINTMENT,
    CANNOT_CHANGE_ORDER,
    WHICH_DOCTORS,
    NEEDED,
    TAKE_YOUR_TIME,
    CANNOT,
    ASK_ORDER,
    ASK_APPOINTMENT,
    ASK_IDENTITY,
    ASK_IDENTITY_AGAIN,
    ASK_DNI_WHOLE,
    ASK_PATIENT,
    ASK_PATIENT_AGAIN,
    ASK_NAME,
    ASK_NAME_AGAIN,
    ASK_SURNAME,
    ASK_EMAIL,
    ASK_EMAIL_AGAIN,
    ASK_ITEMS,
    ASK_DOCTOR,
    ASK_WHEN,
    ASK_DAY,
    ASK_HOUR,
    ASK_CHANGE,
    EMERGENCY,
    I_AM_VIRTUAL,
    MADE_BY,
    MY_NAME,
    VERY_WELL,
    SORRY,
    NOT_MY_BUSINESS,
    NO_ADVICE,
    NO_COMPLAINTS,
    WHAT_FOR,
    ENGLISH,
    TO_TRY,
    IS_IT_FOR_ME,
    FIRST_THIS,
    SAY_WHAT,
    ANOTHER_TIME,
    NO_SUCH_FACT,
    TRY_A_TIME,
    NO_ORDER_NUMBER,
    NO_APPOINTMENT_NUMBER,
    LET_ME_LOOK,
    BY_NAME,
    ASK_PROOF,
    ASK_KNOWN_EMAIL,
    WHICH_ONE,
    WHICH_TIME,
    BY_KEYPAD,
    NAME_EXAMPLE,
    EMAIL_EXAMPLE,
    WHEN_EXAMPLE,
    ITEMS_EXAMPLE,
    DOCTOR_EXAMPLE,
    YES_OR_NO_EXAMPLE,
    WISH_EXAMPLE,
    OR_LEAVE_IT,
    CONFIRM,
    YES_OR_NO,
)

# Sentences with slots. {number} and {day} are spelled out, {date} is "lunes veinticuatro de noviembre" and
# {time} is "a las diez y media de la mañana".
ORDER_NOTED = "Pedido {number}."
APPOINTMENT_NOTED = "Turno {number}."
ORDER_STATE = "Tu pedido está {status}."
ORDER_STATE_DELIVERY = "Tu pedido está {status} y la entrega estimada es el {date}."
ORDER_STATE_NO_DATE = "Tu pedido está {status} y todavía no tiene fecha de entrega."
ORDER_DETAILS = "Tu pedido trae {items}."
ORDER_TOTAL = "El total de tu pedido es {money}."
ORDER_TRACKING = "El código de seguimiento es {code}."
ORDER_NO_TRACKING = "Tu pedido todavía no tiene código de seguimiento."
ORDER_CANCELLED = "Listo, cancelé el pedido {number}."
ORDER_CREATED = "Listo, tu pedido es el número {number}."
ORDER_CREATED_DELIVERY = "Listo, tu pedido es el número {number} y la entrega estimada es el {date}."
APPOINTMENT_STATE = "Tu turno es el {date} {time} y está {status}."
APPOINTMENT_STATE_BARE = "Tu turno está {status}."
APPOINTMENT_DETAILS = "Tu turno es con {doctor} y es {kind}."
APPOINTMENT_CANCELLED = "Listo, cancelé el turno {number}."
APPOINTMENT_MOVED = "Listo, el turno {number} quedó para el {date} {time}."
APPOINTMENT_MOVED_BARE = "Listo, cambié el turno {number}."
APPOINTMENT_BOOKED = "Listo, tu turno es el número {number}, el {date} {time}, con {doctor}."
APPOINTMENT_BOOKED_BARE = "Listo, tu turno es el número {number}."
TODAY = "Hoy es {date}."

TEMPLATES: tuple[str, ...] = (
    ORDER_NOTED,
    APPOINTMENT_NOTED,
    ORDER_STATE,
    ORDER_STATE_DELIVERY,
    ORDER_STATE_NO_DATE,
    ORDER_DETAILS,
    ORDER_TOTAL,
    ORDER_TRACKING,
    ORDER_NO_TRACKING,
    ORDER_CANCELLED,
    ORDER_CREATED,
    ORDER_CREATED_DELIVERY,
    APPOINTMENT_STATE,
    APPOINTMENT_STATE_BARE,
    APPOINTMENT_DETAILS,
    APPOINTMENT_CANCELLED,
    APPOINTMENT_MOVED,
    APPOINTMENT_MOVED_BARE,
    APPOINTMENT_BOOKED,
    APPOINTMENT_BOOKED_BARE,
    TODAY,
)

# How the server's proposals begin and go on; what they are about is said in between.
PROPOSED = (
    "Voy a cancelar el pedido", "Voy a cancelar el turno", "Voy a pasar el turno", "Voy a agendar para",
    "Voy a crear un pedido a nombre de", "correo", "un turno", "con", "el", "al", "Total", "un", "una",
)  # fmt: skip
HOURS = ("a la una", *(f"a las {spell(hour)}" for hour in range(2, 13)))
MINUTES = (
    "y cuarto",
    "y media",
    *(f"y {spell(minute)}" for minute in range(5, 60, 5) if minute not in (15, 30)),
)
HALVES_OF_DAY = ("de la madrugada", "de la mañana", "del mediodía", "de la tarde", "de la noche")
ORDER_STATUSES = {
    "pending": "pendiente",
    "processing": "en preparación",
    "shipped": "en camino",
    "delivered": "entregado",
    "cancelled": "cancelado",
}
APPOINTMENT_STATUSES = {
    "scheduled": "agendado",
    "confirmed": "confirmado",
    "completed": "completado",
    "cancelled": "cancelado",
}
APPOINTMENT_KINDS = {
    "consultation": "una consulta",
    "follow-up": "una consulta de seguimiento",
    "emergency": "una urgencia",
    "routine": "un control de rutina",
}
DOCTORS = {
    "Dr. Carlos Rodríguez": "el doctor Carlos Rodríguez",
    "Dra. Ana López": "la doctora Ana López",
    "Dr. Roberto Mendoza": "el doctor Roberto Mendoza",
    "Dra. Carmen Ruiz": "la doctora Carmen Ruiz",
}
PRODUCTS = (
    "Laptop Dell Inspiron 15", "Mouse inalámbrico Logitech", 'Monitor Samsung 24"', "Teclado mecánico RGB",
    "iPhone 15 Pro", "Carcasa protectora", "Auriculares Sony WH-1000XM5", "Cable USB-C",
    "Tablet Samsung Galaxy Tab S9", "Funda con teclado", "Smartwatch Apple Watch Series 9", "Banda deportiva",
    "Cámara Canon EOS R7", "Lente 24-70mm f/2.8",
)  # fmt: skip

SLOT_PHRASES: tuple[str, ...] = (
    *(spell(number) for number in range(100)),
    "primero",
    *WEEKDAYS,
    *(f"de {month}" for month in MONTHS),
    "de dos mil",
    *HOURS,
    *MINUTES,
    *HALVES_OF_DAY,
    *dict.fromkeys((*ORDER_STATUSES.values(), *APPOINTMENT_STATUSES.values())),
    *APPOINTMENT_KINDS.values(),
    *DOCTORS.values(),
    *PRODUCTS,
    *PROPOSED,
    "unidades de",
    "pesos",
    "y",
)


def pieces(template: str) -> tuple[str, ...]:
    """The fixed parts of a template, without the slots and without the marks that only join them."""
    parts = (text.strip(" ,.") for text, *_ in Formatter().parse(template))
    return tuple(part for part in parts if part)


TEMPLATE_PIECES: tuple[str, ...] = tuple(dict.fromkeys(piece for template in TEMPLATES for piece in pieces(template)))


def spoken(text: str) -> str:
    """The text without the "[FINAL]" markers that the prompt asks for: what a caller may hear."""
    return " ".join(text.replace(FINAL_MARKER, " ").split())
