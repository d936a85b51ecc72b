"""Answers to "Voy a cancelar el pedido seis. ¿Lo confirmás?", by kind, and what each comes to."""

from __future__ import annotations

from collections.abc import Mapping

from common.spanish.consent import AN_ORDER, CANCELLING, Consent

PROPOSED = (CANCELLING, AN_ORDER)

_SAID: Mapping[tuple[Consent, str], str] = {
    (Consent.YES, "a yes"): """
Sí.
Si
Sí, sí.
Sí, por favor.
Sí, confirmo.
Dale.
Dale, sí.
De una.
Obvio.
Claro.
Claro que sí.
Por supuesto.
Sí, dale.
Ok.
Okey
Bueno, dale.
Sí, cancelalo.
Cancelalo.
Cancelalo nomás.
Sí, cancelá el pedido.
Confirmado.
Confirmo.
Exacto.
Correcto.
Así es.
Perfecto.
Genial, gracias.
Está bien.
De acuerdo.
Seguro.
Sí, seguro.
Listo, dale.
Joya.
Bárbaro, gracias.
Cómo no.
Sí, señor.
Sí, Carlos.
Hacelo.
Adelante.
Afirmativo.
Sí, quiero cancelarlo.
Sí, anulalo por favor.
Eso.
Tal cual.
Mandale.
Metele.
Ajá, sí.
Eh, sí.
Y bueno, dale.
Sí, no hay problema.
Sí, está bien, gracias.
Vale.
Lo confirmo.
Sí, lo confirmo.
Sí claro
Por favor, sí.
Sí, gracias.
Sí quiero.
Dale nomás.
Dale, gracias.
Me parece bien.
Buenísimo.
Sí, exactamente.
Sí sí sí.
Sí, hacelo.
Sí, cancelá.
Va.
Sí, cancelámelo.
Sí, ya.
Bueno.
Bueno, gracias.
Sí, cancelá ese pedido.
Sí, la cancelación.
Confirmo la cancelación.
Sí, cancelala.
Sí, todo bien.
Sí, de una.
Obvio que sí.
Sí, obvio.
Por supuesto que sí.
Dale para adelante.
Dale que va.
Sí, mandale.
Metele nomás.
Sí, metele nomás.
Sí, hacelo nomás.
Procedé.
Sí, procedé.
Sí, cancelalo, por favor.
Por favor, cancelalo.
Quiero cancelarlo.
Sí, quiero cancelar.
Sí, quiero que lo canceles.
Cancelá nomás.
Anulalo.
Sí, anulá la compra.
Sí, cancelá mi pedido.
Sí, cancelá la compra.
Confirmá la cancelación.
Sí, te confirmo.
Te lo confirmo.
Confirmadísimo.
Sí, totalmente.
Totalmente.
Sí, sí, dale, gracias.
Dale, buenísimo.
Dale, genial.
Joya, dale.
Bien, dale.
Bueno, sí.
Bueno, está bien.
Sí, bueno.
Ok, dale.
Okey, confirmo.
Sí, está perfecto.
Sí, todo en orden.
Sí, es correcto.
Eso es, sí.
Eso mismo.
Así es, gracias.
Sí, tal cual.
Positivo.
Sí, afirmativo.
Sí, desde ya.
Desde luego.
Sí, cómo no.
Sí, che, dale.
Dale, Carlos.
Sí, señorita.
Sí, maestro.
Sí, genio, gracias.
Sí, gracias, Carlos.
Sí, muchas gracias.
Acepto.
Sí, acepto.
Estoy de acuerdo.
Sí, estoy de acuerdo.
Sí, estoy seguro.
Estoy segura.
Sí, segurísimo.
Segurísima.
Eh… sí, dale.
Mmm, sí.
Ah, sí, sí.
Ah, bueno, dale.
Ay, sí, por favor.
Uh, sí, dale.
Sí, ya te dije que sí.
Te dije que sí.
Que sí.
Sí, hombre.
Sí, ahora.
Sí, ahora mismo, por favor.
Ya mismo.
Sí, cuando quieras.
No hay problema, dale.
Sin problema.
Sí, sin problema.
Lo quiero cancelar.
Sí, lo quiero cancelar.
Sí, cancelen.
Sí, cancele.
Sí, cancélelo.
Sí, cancelalo ya.
Yes, dale.
""",
    (Consent.UNCLEAR, "what somebody did"): """
Ya lo cancelé.
Ya lo cancele
Ya cancelé.
Sí, ya lo cancelé ayer.
Mi marido canceló.
Mi marido lo canceló.
Lo cancelé yo.
""",
    (Consent.NO, "a no, alone or beside a yes"): """
No.
No, gracias.
Mejor no.
No, dejalo.
Sí… no, no.
Dale, no, esperá.
Obvio que no.
Claro que no.
No, no quiero.
Para nada.
Dejalo así.
Ni loco.
No, está bien, gracias.
Bueno, no.
Sí, no.
No, no.
No, por favor.
No, no lo canceles.
No lo canceles.
No lo hagas.
No quiero.
No, mejor dejalo.
No, dejá.
Dejá, no hace falta.
No hace falta.
No, ya no.
Ya no quiero.
No, me arrepentí.
Me arrepentí.
No, olvidate.
Olvidalo.
Ni ahí.
Ni loca.
De ninguna manera.
Negativo.
Nop.
Nah.
No, para.
No, pará.
No, pará un poco.
No, todavía no.
Todavía no.
No, ahora no.
Por ahora no.
Sí… no.
Sí, bueno, no.
Sí, no, dejalo.
Dale… no, mejor no.
Bueno, no, dejalo así.
Claro, no.
Por supuesto que no.
Seguro que no.
No, seguro.
No, no confirmo.
No confirmo.
No, confirmo que no.
No, cancelá la cancelación.
No, no quiero cancelarlo.
No quiero cancelarlo.
No, quiero saber cuándo llega.
No, el cinco.
No, era el pedido cinco.
No, no es ese.
No es ese.
No, te equivocaste.
No, esperá, era otro.
No, cambialo.
No, mañana te llamo.
Nunca.
Jamás.
Tampoco.
Nada, nada, dejalo.
No, nada más.
No, listo.
No, no, está bien así.
Dale, si no hay cargo.
Sí, pero no hoy.
""",
    (Consent.UNCLEAR, "a question"): """
Si lo cancelo, ¿me devuelven la plata?
Claudia, ¿está listo el café?
¿Sí o no qué?
¿Qué?
¿Cómo?
¿Cuánto sale?
Sí, ¿cuánto sale?
¿Por qué no?
¿Lo podés repetir?
Sí, ¿y el turno?
¿Y si lo cancelo, qué pasa?
¿Me cobran algo?
¿Me devuelven todo?
¿Cuánto tarda la devolución?
¿Es seguro?
¿Seguro?
¿Sí?
¿De una?
¿Dale?
¿Está bien así?
¿Ya está?
¿Qué pedido era?
¿Cuál?
¿El de la laptop?
¿Qué tengo que decir?
¿Confirmar qué?
¿Por qué me pedís que confirme?
¿Y se puede deshacer?
¿Lo puedo pensar?
¿Quién habla?
¿Hola?
Sí, ¿pero me devuelven la plata?
Dale, ¿y cuánto demora?
Sí, ¿quién es?
Perdón, ¿qué?
""",
    (Consent.UNCLEAR, "a condition, or a question without its marks"): """
Si lo cancelo me devuelven la plata
Si puede ser mañana
Sí, si me devuelven la plata
Qué pasa si digo que sí
Si me devuelven la plata, sí
Sí, si es gratis
Sí, siempre que no me cobren
Sí, mientras no me cobren nada
Sí, a menos que ya haya salido
Sí, salvo que ya esté en camino
Sí, solo si me devuelven todo
Sí, en caso de que no llegue
Confirmo si me lo devuelven
Depende
Depende de cuánto tarde
""",
    (Consent.UNCLEAR, "a yes for later"): """
Sí, mañana
Sí, cuando llegue
Sí, pero a las cinco
Dale, pero otro día
Sí, cuando termine el mes
Sí, después
Sí, más tarde
Sí, la semana que viene
Sí, pero después
Dale, mañana
Sí, y después cambiame el turno
""",
    (Consent.UNCLEAR, "a correction or a limit"): """
Sí, pero el mail está mal
Sí, pero el otro
Sí, el cinco
Cancelá el pedido cinco
Sí, pero el cinco
El cinco
Sí, el pedido cinco
Sí, cancelá el cinco
Sí, cancelá los dos
Sí, cancelá todo
Sí, todos
Sí, pero solo el mouse
Sí, menos el mouse
Sí, pero con otro nombre
Sí, pero mi apellido es con zeta
Sí, excepto la funda
Sí, el de ayer
Sí, el otro
Sí, ese no
Sí, aunque el DNI está mal
Treinta y cinco
Exacto, el cinco
""",
    (Consent.UNCLEAR, "another errand"): """
Sí, y también cancelá el turno uno
Sí, cancelá el turno
Sí, quiero hablar con una persona
Reservalo
Sí, agendalo
Sí, cambialo
Sí, decime
Sí, y además quiero un turno
Sí, y agregá un mouse
Dale, y otra cosa
Sí, también el turno seis
Sí, quiero un turno
Sí, quiero hacer otro pedido
Sí, quiero saber cuándo llega
Sí, pasame con alguien
Sí, decime el total
Sí, contame
Dale, contame
Eso nomás
""",
    (Consent.UNCLEAR, "words for somebody else"): """
Claudia está listo el café
Hola
Sí, mi amor, ya voy
Sí, mamá
Ahora te llamo
Sí, te escucho
Dale, te espero
Sí, hablá
Sí, hola
Sí, amor
Sí, mi vida, ya termino
Sí, gorda, ahora voy
Sí, Juan, ya voy
Sí, papá
Dale, mamá, ya corto
Dale, poné la pava
Sí, poné la mesa
Sí, comprá pan
Sí, traé el mate
Dale, bajá el volumen
Bueno, chicos, a dormir
Sí, hijo, está en la mesa
Claro, Marta, pasá
Claudia, dale
Dale, Tomás
Sí, Tomás
Sí, señora, el perro es mío
Todo bien
Ya está bien
Hola, hola
""",
    (Consent.UNCLEAR, "a television, a joke, a street"): """
y bueno, vamos a una pausa
Bueno, gente, seguimos
Bien, gracias
Muy bien, gracias
Bueno, vamos a la tanda
Sí, señoras y señores
Y ahora, el pronóstico
Gol de Boca
Dale campeón
Dale Boca
Sí, juro
Vamos Argentina
Seguimos con más música
Está lloviendo
Obvio microbio
Sí, claro, cómo no, y qué más
Vivo en Rosario
Seguro social
""",
    (Consent.UNCLEAR, "not sure"): """
A ver
No sé
Por qué no
Sí, creo
Creo que sí
Puede ser
Capaz
Sí, casi
Más o menos
Sí o no
Yo qué sé
Ponele
Ponele que sí
Supongo que sí
Supongo
Me parece que sí
Tal vez
Quizás
A lo mejor
Capaz que sí
Y… no sé
Ni idea
Lo pienso
Lo tengo que pensar
Dejame pensar
Dejame ver
""",
    (Consent.UNCLEAR, "wait, or once more"): """
Esperá.
Un momento.
Sí, esperá un segundo
Repetime
Sí, mirá
Bueno, mirá
A ver, esperá
Esperame un toque
Bancame un cacho
Aguantá
Un segundo
Un minuto
Ahí voy
Ya vuelvo
Perdón
No te escuché
No te entendí
No entiendo
Repetí, por favor
Más despacio
""",
    (Consent.UNCLEAR, "cut short, or heard wrong"): """
Mmm
Ajá
Cita
Sino
Se
Sí, el
Sí, lo
Sí, la de
Sí, un
Sí con
Está
Gracias
Chau
Seis
Uno
Roberto Vargas
Mi DNI es 35.012.678
Correo
Clara
Sidra
Sí, y
Bueno, quiero
Bueno, entonces
Sí, quisiera
Sí, eh
Sí, mmm
Si cancelo
Si lo cancelo
Sí, te pido
Bueno, y
Dale, y
""",
}

SENTENCES = {kind: sentences.strip().splitlines() for kind, sentences in _SAID.items()}


def answers(consent: Consent) -> list[str]:
    """All sentences that come to this."""
    return [each for (meant, _), sentences in SENTENCES.items() if meant is consent for each in sentences]
