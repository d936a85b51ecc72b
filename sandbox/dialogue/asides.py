"""What is none of Carlos's business, or was not said to him, and the short true answer to it."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.dialogue import lines
from sandbox.dialogue.names import is_called
from sandbox.dialogue.words import Word, has_phrase, keys_of, word_set

_ASIDES: tuple[tuple[str, str], ...] = (
    (
        lines.I_AM_VIRTUAL,
        """
            sos un robot, sos robot, sos una maquina, sos una persona, sos humano, sos humana, sos real, sos de
            verdad, sos una grabacion, sos un contestador, sos una inteligencia artificial, sos un bot, estoy
            hablando con, hablo con un, hablo con una, es un robot, es una maquina, es una grabacion, sos chat
            gpt, sos chatgpt, sos ia, sos una ia, con una maquina, con un robot, con una computadora, con una
            grabacion, con un contestador, sos siri, sos alexa, es una persona, existis
        """,
    ),
    (lines.MADE_BY, """
            quien te hizo, quien te creo, quien te programo, quien te invento, de que empresa sos
        """),
    (lines.MY_NAME, "como te llamas, cual es tu nombre, con quien hablo, quien habla"),
    (lines.VERY_WELL, "como estas, como andas, como te va, que tal, como va todo, todo bien vos"),
    (
        lines.SORRY,
        """
            inutil, idiota, pelotudo, pelotuda, boludo, boluda, estupido, estupida, imbecil, tarado, tarada, forro,
            hijo de puta, la puta madre, andate a la mierda, no servis para nada, sos un desastre, son un desastre,
            que desastre, una verguenza, son unos ladrones, sos un burro, que mierda, una mierda, no entendes nada,
            sos malisimo, son de terror, me tenes cansado, me tenes harto, estoy harto, estoy cansado de esperar
        """,
    ),
    (
        lines.NOT_MY_BUSINESS,
        """
            chiste, chistes, cantame, canta, una cancion, adivinanza, un cuento, que tiempo hace, va a llover,
            llueve, el clima, el pronostico, hace calor, hace frio, quien gano, como salio, partido, boca, river,
            seleccion, messi, mundial, el dolar, dolar, las elecciones, el presidente, la inflacion, receta de,
            como se hace, que hora es, tenes hora, tenes novia, estas casado, cuantos anos tenes, sos casado, me
            queres, te gusta, que opinas, que pensas de, recomendame una, una pelicula, la capital de, cuanto es
            dos, raiz cuadrada, loteria, quiniela, horoscopo, signo, el colectivo, el tren, el subte, el trafico,
            pizza, contame algo, decime algo lindo, queres salir
        """,
    ),
    (
        lines.NO_COMPLAINTS,
        """
            reclamo, reclamos, una queja, quejarme, me cobraron, vino mal, vino roto, vino fallado, llego roto, me
            estafaron, denuncia, mal atendido, mal atendida
        """,
    ),
    (
        lines.WHAT_FOR,
        """
            para que lo necesitas, para que la necesitas, para que los necesitas, por que me lo pedis, para que queres
            mi, para que queres el, por que necesitas, para que me pedis, por que tengo que dar, para que es el dni
        """,
    ),
    (
        lines.NO_ADVICE,
        """
            que me recomendas tomar, que tomo para, que puedo tomar, me duele, tengo fiebre, estoy resfriado, me
            siento mal, que remedio, que medicamento, estoy enfermo, estoy enferma, tengo tos
        """,
    ),
)  # fmt: skip
_PHRASES = tuple((line, tuple(" ".join(said.split()).split(", "))) for line, said in _ASIDES)
_BROADCAST = (
    "vamos a una pausa", "a la pausa", "volvemos", "las noticias", "ultimo momento", "en vivo", "gol de",
    "seguimos con",
    "despues de la pausa", "no se vayan", "suscribanse", "buenas noches argentina", "el programa de hoy",
    "en el estudio",
    "primer tiempo", "segundo tiempo", "minutos del partido", "la temperatura en", "auspicia", "los titulares",
)  # fmt: skip
_AT_HOME = (
    "baja la tele", "baja el volumen", "veni a comer", "a comer", "atende la puerta", "suena el timbre",
    "apaga la tele",
    "ya voy", "estoy hablando por telefono", "espera que estoy hablando", "callate", "dejame hablar", "sali de ahi",
    "pone la pava", "pasame la sal", "cerra la puerta", "deja eso", "baja eso", "quedate quieto", "quedense quietos",
)  # fmt: skip
_ENGLISH = word_set(
    """
    i you he she it we they the a an is are am do does don't dont can could would want need my your please sorry hello
    hi yes yeah what when where how who speak english order status appointment book cancel know understand thanks thank
    help this that to of for with and not have has i'd i'm im like make check
    """
)
_SHARED = word_set("a he no me si")  # these are Spanish too


def aside(words: Sequence[Word]) -> str | None:
    """The answer to what has nothing to do with orders and appointments."""
    keys = keys_of(words)
    if is_english(words) or has_phrase(keys, ("en ingles", "hablas ingles", "english")):
        return f"{lines.ENGLISH} {lines.TO_TRY}"
    return next((line for line, phrases in _PHRASES if has_phrase(keys, phrases)), None)


def is_english(words: Sequence[Word]) -> bool:
    """Most of it is English, and more than a word that is said in Spanish too ("ok", "mail")."""
    english = [word for word in words if word.key in _ENGLISH]
    return len(english) * 2 > len(words) and len([word for word in english if word.key not in _SHARED]) > 1


def is_for_others(words: Sequence[Word]) -> bool:
    """Whether it was said to somebody in the room, or by a television there."""
    return is_called(words) or has_phrase(keys_of(words), (*_BROADCAST, *_AT_HOME))
