"""What can be said to Carlos, with its meaning, for those who speak no Spanish. Each is understood by the stand-in."""

from __future__ import annotations

PHRASES = (
    ("Hola, quería saber el estado de mi pedido número uno.", "Hello, I'd like to know how my order number one is."),
    ("Mi DNI es 28.456.789.", "My identity card's number, which he asks for; a full name will do, too."),
    ("¿Cómo viene mi pedido siete? Soy Elena Martínez.", "How is my order seven coming along? I am Elena Martínez."),
    ("Hola, ¿cuánto sale mi pedido tres? Soy Ana Rodríguez.", "Hello, what does my order three cost? I am Ana …"),
    ("¿Y el código de seguimiento?", "And the tracking code?"),
    ("Hola, quiero sacar un turno con la doctora Ana López.", "Hello, I'd like an appointment with Dr. Ana López."),
    ("Pasado mañana, a las cinco de la tarde.", "The day after tomorrow, at five in the afternoon."),
    ("Sí, confirmo, gracias.", "Yes, I confirm, thank you."),
    ("No, nada más, gracias. Chau.", "No, nothing else, thank you. Bye."),
)


def english_help() -> str:
    """Return the phrases, one above its meaning each."""
    rows = (f"  {spanish}\n      {meaning}" for spanish, meaning in PHRASES)
    return "Carlos speaks Spanish. To try, type or paste:\n" + "\n".join(rows)
