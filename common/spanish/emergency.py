"""Whether somebody speaks of an emergency: a life in danger now, in words that leave no doubt.

    is_emergency("Me duele mucho el pecho.")                  -> True
    is_emergency("Quiero dos kilos de pecho de pollo.")       -> False
    is_emergency("No, no me duele el pecho, es un control.")  -> False

It errs on the side of help: a sentence too many does less harm than one too few. What is denied in its own clause
("no me duele el pecho") is none.
"""

from __future__ import annotations

import re

from common.spanish.names import plain

_LIMIT = 1_000  # characters that are looked at
_CLAUSES = re.compile(r"[.,;:!?¡¿…]| pero | y ")
_DENIED = re.compile(r"\b(?:no|nunca|tampoco|sin)(?: \w+){0,2} $")
_WHO = r"(?:me|le|te|nos|les)"
_CAUSTIC = r"(?:lavandina|veneno|cloro|raticida|insecticida|detergente|nafta|kerosene|soda caustica|desengrasante)"
_PILLS = r"(?:muchas|demasiadas|todas las|un monton de|un frasco de|una caja de|un blister de) (?:pastillas|remedios)"
_BODY = r"(?:brazo|lado|cuerpo|cara|pierna|boca)"

# By kind. Plain words, one space between them; those that begin with "no" are not denied by it.
_SIGNS = {
    "the chest": rf"""
        {_WHO} (?:esta )?(?:duele|doliendo|aprieta|apretando|oprime|arde|punza)(?: \w+){{0,3}} el pech(?:o|ito)
        (?:dolor|dolores|puntada|puntadas|presion|opresion|ardor)(?: \w+){{0,3}} (?:en el|de|del|al) pecho
        (?:ataque|paro) (?:cardiaco|al corazon)
        (?:tengo|tiene|tuvo|teniendo|dio|dando|da|es) un (?:infarto|ataque al corazon|preinfarto)
        infartando|se infarto
    """,
    "breath": rf"""
        no (?:puedo|puede|podemos|logro|logra|consigo|consigue|esta pudiendo)(?: casi| ni| bien)? respirar
        no (?:esta )?(?:respira|respirando)(?: bien)?
        {_WHO} (?:esta )?(?:falta|faltando)(?: mucho)? el aire
        (?:me|se|te) (?:esta |estoy )?(?:ahogo|ahoga|ahogando|asfixia|asfixio|asfixiando)(?! en\b)
        (?:estoy|esta) (?:ahogando|asfixiando)(?:me|se)
        {_WHO} cuesta(?: mucho| muchisimo)? respirar
        dificultad(?:es)? para respirar
        (?:se|me) (?:esta )?(?:atraganto|atragantando|atragante)
        se (?:me|le) (?:cierra|cerro|esta cerrando|hincha|hincho|esta hinchando) la (?:garganta|lengua)
    """,
    "consciousness": r"""
        (?:se|me) (?:acaba de |esta )?(?:desmayo|desmaya|desmaye|desmayando|desmayar)
        (?:se|me) (?:va|voy|vas) a desmayar
        (?:perdio|perdi|perdiendo) (?:el conocimiento|la conciencia)
        (?:esta|quedo|estaba) (?:inconsciente|desmayad[oa])
        no (?:reacciona|se despierta|despierta|vuelve en si)
        convulsion(?:a|ando|es)
    """,
    "blood": r"""
        sangr(?:a|o|e|ando)(?: \w+){0,2} (?:mucho|muchisimo|un monton|demasiado|sin parar)
        (?:mucho|muchisimo) sangr(?:ado|a)
        (?:pierde|pierdo|perdio|perdiendo)(?: \w+)? sangre
        no (?:me |le )?(?:para|deja|paro) de sangrar
        no (?:me |le )?para (?:la sangre|el sangrado|la hemorragia)
        hemorragia
        (?:me|se) (?:esta |estoy )?desangr(?:o|a|ando)
        (?:vomit|escup|tos)\w* (?:mucha )?sangre
    """,
    "poison": rf"""
        (?:tome|tomo|trague|trago|comio|bebio|tomado|tragado)(?: \w+){{0,2}} {_CAUSTIC}
        (?:me|se) (?:tome|tomo|trague|trago) {_PILLS}
        (?:me|se|lo|la) (?:envenene|enveneno|envenenaron|intoxique|intoxico)
        (?:envenenad|intoxicad)[oa]
        sobredosis
    """,
    "a stroke": rf"""
        se (?:me|le) (?:torcio|cayo|paralizo|durmio|duerme|esta durmiendo)(?: \w+)? (?:la|el|media|medio|un) {_BODY}
        (?:tengo|tiene) la (?:cara|boca) (?:torcida|caida|dormida|paralizada)
        no (?:puede|puedo) mover (?:el|la|un|una|media|medio) {_BODY}
        no (?:siente|siento) (?:el|la|un|una|media|medio) {_BODY}
        no puede hablar(?! con\b| ahora\b)
        habla (?:raro|como borracho|arrastrando)
        (?:tengo|tiene|tuvo|teniendo|dio|dando|da|es) un (?:acv|derrame|ataque cerebral)
    """,
    "suicide": r"""
        me (?:quiero|voy a|quisiera) (?:matar|morir|suicidar|cortar las venas)
        (?:quiero|voy a|quisiera|pienso|pensando en|ganas de) (?:matarme|morir|morirme|suicidarme)
        (?:quiero|voy a|quisiera|pienso|pensando en|ganas de) (?:quitarme la vida|hacerme dano)
        no quiero (?:vivir|seguir viviendo|estar viv[oa])
        (?:acabar|terminar) con mi vida
        se (?:quiere|va a|quiso) (?:matar|suicidar)
    """,
}  # fmt: skip
_SIGN = re.compile(
    "|".join(rf"\b(?:{line.strip()})\b" for lines in _SIGNS.values() for line in lines.splitlines() if line.strip())
)


def is_emergency(said: str) -> bool:
    """Return True if these words speak of somebody in danger of life."""
    clauses = (" ".join(re.findall(r"\w+", clause)) for clause in _CLAUSES.split(f" {plain(said[:_LIMIT])} "))
    return any(_shows(clause) for clause in clauses)


def _shows(clause: str) -> bool:
    return any(
        found.group().startswith("no ") or not _DENIED.search(clause[: found.start()])
        for found in _SIGN.finditer(clause)
    )
