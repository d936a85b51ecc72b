"""Sentences that were written after the stand-in had learned those of `spoken.py`, in the same form."""

# ruff: noqa: E501
from __future__ import annotations

KINDS: dict[str, str] = {
    "several": """
        idle | Primero cancelame el turno siete y después decime cómo va mi pedido tres, soy Ana Rodríguez | cancelarTurno appointmentId=7, patientName=Ana Rodríguez
        idle | Quería saber del pedido cuatro y además sacar un turno con la doctora Ruiz | says pedido cuatro.*DNI
        cancel turn? | Sí, dale, y también cancelame el pedido seis | says turno siete.*¿
        idle | Hola, soy Elena Martínez y necesito pasar el turno cinco al viernes a las once y cancelar el pedido siete | modificarTurno appointmentId=5, newDate=2026-11-27, newTime=11:00
    """,
    "negation": """
        read | ya no lo necesito | cancelarOrder orderId=3
        idle | No quiero hacer un pedido, quiero cancelar el seis | says (pedido|número)
        idle | no llamo para cancelar, quiero cambiar mi turno cinco | says turno cinco
        move? | no, no lo muevas | says lo dejamos
        read turn | al final no puedo ir | cancelarTurno appointmentId=1
        book when | el jueves no puedo, el viernes a las diez de la mañana | agendarTurno date=2026-11-27T10:00:00-03:00
    """,
    "corrections": """
        cancel? | esperá, no es el seis, es el ocho | cancelarOrder orderId=8
        identity | uy, me confundí, es el pedido siete | says pedido siete
        move? | no, para el lunes | modificarTurno newDate=2026-11-30, newTime=10:00
        move? | mejor a las cuatro de la tarde | modificarTurno newTime=16:00
        book? | no, el nombre está mal | says nombre
        book? | con la doctora Ruiz mejor | agendarTurno doctorName=Dra. Carmen Ruiz
        cancel identity | 35.012.678, no, perdón, 35.012.679 | cancelarOrder dni=35012679
        patient | Juan Gómez, perdón, Juan Gutiérrez | cancelarTurno patientName=Juan Gutiérrez
        book? | anotaste mal el mail | says correo
        order? | el mail es otro | says correo
        book when | el martes a las nueve y media, no, a las diez y media | agendarTurno date=2026-11-24T10:30:00-03:00
    """,
    "repeat": """
        move? | perdón, no te escuché bien | says turno cinco.*¿
        patient | ¿cómo decís? | says paciente
        cancel? | repetí por favor | says pedido seis.*¿
        book email | hablá más despacio que no te entiendo | says correo
        read | ¿me lo repetís más lento? | says martes veinticuatro
        read | no se escuchó nada | says martes veinticuatro
    """,
    "names": """
        patient | Julieta Paz | cancelarTurno patientName=Julieta Paz
        patient | me llamo Domingo Faustino Sarmiento | cancelarTurno patientName=Domingo Faustino Sarmiento
        patient | María del Carmen Rey | cancelarTurno patientName=María del Carmen Rey
        patient | Sí, soy Pedro Bueno | cancelarTurno patientName=Pedro Bueno
        patient | Marcos Mac Allister | cancelarTurno patientName=Marcos Mac Allister
        patient | Ángel Di María | cancelarTurno patientName=Ángel di María
        patient | João da Silva | cancelarTurno patientName=João da Silva
        patient | Ana María O'Higgins Funes | cancelarTurno patientName=Ana María O'Higgins Funes
        idle | Quiero saber cuándo es el turno uno de María González | consultarTurno appointmentId=1, patientName=María González
        patient | a nombre de Luis Alberto Claro | cancelarTurno patientName=Luis Alberto Claro
        patient | habla la señora Rosa Martes | cancelarTurno patientName=Rosa Martes
        patient | el nombre es Facundo Quiroga | cancelarTurno patientName=Facundo Quiroga
    """,
    "no number": """
        order number | uh, no tengo idea | says (correo|nuevo)
        turn number | se me perdió el papelito | says (número|correo)
        idle | ¿Aceptan tarjeta de crédito? | says no tengo ese dato
        idle | ¿A qué hora abren los sábados? | says no tengo ese dato
        identity | no me acuerdo el DNI | says nombre completo
    """,
    "slots": """
        slots | el del jueves a las diez y media | agendarTurno date=2026-11-26T10:30:00-03:00
        slots | me da lo mismo | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | me quedo con la última | agendarTurno date=2026-11-27T16:00:00-03:00
        slots | prefiero la segunda | agendarTurno date=2026-11-26T10:30:00-03:00
    """,
    "items": """
        order? | agregá también dos parlantes | says parlantes.*¿
        order? | quitale los teclados | says mouse.*¿
        order? | en lugar de los teclados poneme un monitor | says monitor.*¿
        order? | mejor que sean cuatro teclados | says (cuatro|4) teclados
        read | el otro día compré una tablet y quiero saber si salió | says (número|pedido|identidad|está|camino)
    """,
    "not its business": """
        cancel? | ¿hablo con una máquina? | says asistente virtual.*¿
        patient | ¿va a llover mañana? | says paciente
        idle | mi marido se desmayó | says 107
        identity | creo que me está dando un infarto | says 107
        idle | se me rompió el celular, qué desastre | says (pedidos|ayudar)
    """,
    "not to it": """
        cancel turn? | amor, apagá la tele que estoy hablando | says ¿
        order? | Martín, ¿cerraste la puerta? | says ¿
        move? | gol de Boca, gol gol gol | says ¿
        book email | Sofía, traeme la agenda que está arriba de la mesa | says (hablás a mí|correo)
    """,
    "goodbye": """
        read | bueno, te agradezco mucho, hasta la próxima | says Gracias por llamar
        read | no gracias, ya está | says Gracias por llamar
        identity | dejá, llamo más tarde, chau | says Gracias por llamar
        read | ciao | says Gracias por llamar
    """,
    "the original's": """
        idle | Consulta el pedido número 3 con DNI 27893412 | consultarOrder orderId=3, dni=27893412
        idle | Cancelá el pedido número 6 para Roberto Vargas | cancelarOrder orderId=6, customerName=Roberto Vargas
        idle | Modificá el turno 5 de Elena Martínez para el viernes a las 15:00 | modificarTurno appointmentId=5, patientName=Elena Martínez, newDate=2026-11-27, newTime=15:00
        idle | Crea un pedido para Juan Gómez con 3 teclados | says correo
    """,
    "english": """
        patient | can you help me please | says Spanish demo
        idle | what is the status of my appointment | says Spanish demo
    """,
    "later still": """
        idle | Hola, quería anular el pedido número seis y de paso sacar un turno | says pedido seis.*DNI
        idle | Cancelame el turno siete, soy Ana Rodríguez, y decime también cuándo llega mi pedido tres | cancelarTurno appointmentId=7
        cancel? | dale, y también decime cuándo es mi turno | says pedido seis.*¿
        idle | no llamo para cancelar, llamo para saber por el pedido tres | says pedido tres.*DNI
        read | al final no lo quiero | cancelarOrder orderId=3
        read turn | no quiero cambiarlo, quiero cancelarlo | cancelarTurno appointmentId=1
        idle | no necesito un turno, necesito saber de mi pedido cuatro | says pedido cuatro
        cancel? | no, ese no, el cuatro | cancelarOrder orderId=4
        cancel? | me equivoqué de pedido | says pedido
        identity | perdón, era el pedido ocho | says pedido ocho
        patient | no el turno dos, el turno cuatro | says turno cuatro
        move? | no, mejor el lunes a las nueve y media | modificarTurno newDate=2026-11-30, newTime=09:30
        move? | a las diez no puedo, a las doce | modificarTurno newTime=12:00
        book? | cambiame el horario | says hora
        book? | el doctor está mal, es Mendoza | agendarTurno doctorName=Dr. Roberto Mendoza
        book? | me equivoqué con el mail, es luis@gmail.com | agendarTurno patientEmail=luis@gmail.com
        cancel? | el documento es 35.012.670, perdón | cancelarOrder dni=35012670
        order number | ¿eh? | says número de pedido
        identity | ¿me repetís la pregunta? | says DNI
        book? | ¿a nombre de quién quedó? | says Juan Pérez
        book? | hablás muy rápido | says jueves
        read | perdón, no escuché, ¿cuándo llega? | says martes veinticuatro
        move? | ¿para qué hora dijiste? | says (diez|once)
        patient | Florencia de la Vega | cancelarTurno patientName=Florencia de la Vega
        patient | mi nombre es Domingo | says apellido
        patient | Sábado Martínez | cancelarTurno patientName=Sábado Martínez
        patient | Juana Azurduy de Padilla | cancelarTurno patientName=Juana Azurduy de Padilla
        patient | sería para Lautaro Gómez | cancelarTurno patientName=Lautaro Gómez
        patient | el paciente se llama Enzo Paz | cancelarTurno patientName=Enzo Paz
        patient | te digo, Norma Mc Carthy | cancelarTurno patientName=Norma Mc Carthy
        patient | López Lagos, Mariana | cancelarTurno patientName=Mariana López Lagos
        identity | habla Roberto Vargas | consultarOrder customerName=Roberto Vargas
        identity | soy la doctora Marta Claro | consultarOrder customerName=Marta Claro
        turn number | la verdad que no lo sé | says (número|correo)
        order number | perdí el comprobante | says (número|correo)
        order number | ¿dónde lo veo al número? | says (número|correo)
        idle | ¿hasta qué hora atienden? | says no tengo ese dato
        idle | ¿me cubre PAMI? | says no tengo ese dato
        slots | dale, la primera | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | me sirve la del medio | agendarTurno date=2026-11-26T10:30:00-03:00
        slots | el viernes a las cuatro | agendarTurno date=2026-11-27T16:00:00-03:00
        slots | cualquiera de esos | agendarTurno date=2026-11-26T10:00:00-03:00
        order? | sumale dos fundas | says fundas.*¿
        order? | sacá los teclados | says mouse.*¿
        order? | cuatro teclados en vez de dos | says cuatro teclados
        order? | pará, agregame un cable también | says cable.*¿
        read | la otra vez hice un pedido y no me llegó | says (pedido|número|camino)
        identity | ¿va a ganar Boca el domingo? | says DNI
        idle | contame algo gracioso | says (pedidos|turnos)
        cancel? | ¿me estoy comunicando con una máquina? | says asistente virtual.*¿
        book name | andá a cagar, inútil | says (perdón|paciente)
        idle | mi papá tiene un dolor muy fuerte en el pecho | says 107
        patient | creo que mi abuela tuvo un ACV | says 107
        cancel? | Pedro, ¿sacaste la basura? | says ¿
        move? | en instantes volvemos con más información | says ¿
        idle | Lucas, dejá eso ahí | says (hablás a mí)
        read | gracias, que andes bien | says Gracias por llamar
        read | no, eso solo, gracias | says Gracias por llamar
        read | ya está, chaucha | says Gracias por llamar
        idle | Agenda un turno para el lunes a las 11 con la Dra. López | says nombre completo
        idle | Consulta mi pedido número 3 con DNI 27893412 | consultarOrder orderId=3, dni=27893412
        idle | I would like to cancel my order please | says Spanish demo
        identity | hello? can you hear me? | says Spanish demo
    """,
    "last": """
        idle | Quiero pedir un monitor y, además, saber cuándo es mi turno cuatro | says nombre
        idle | Cambiá el turno cinco para el viernes a las once y después cancelá el pedido siete, soy Elena Martínez | modificarTurno appointmentId=5, newDate=2026-11-27, newTime=11:00
        cancel? | sí, confirmo, y agendame un turno nuevo | says pedido seis.*¿
        read | no, no quiero cancelarlo, quiero saber el total | says mil doscientos
        idle | no quiero hacer ningún pedido, quiero cambiar el turno cinco | says turno cinco
        read turn | ya no puedo ese día, cambialo para el viernes | modificarTurno appointmentId=1, newDate=2026-11-27
        identity | no, el cuatro | says pedido cuatro
        cancel? | quise decir el pedido nueve | cancelarOrder orderId=9
        cancel turn? | no, el ocho | cancelarTurno appointmentId=8
        move? | mejor el miércoles que viene | modificarTurno newTime=10:00
        move? | cambiá la fecha | says día
        book? | el nombre está mal escrito, es Juan Peres | agendarTurno patientName=Juan Peres
        patient | Pérez, no, Pereyra. Juan Pereyra | cancelarTurno patientName=Juan Pereyra
        patient | ¿cómo dice? | says paciente
        move? | ¿a qué día lo pasaste? | says jueves
        cancel? | repetime qué pedido es | says pedido seis
        book email | no se escuchó, ¿qué necesitás? | says correo
        patient | Agustín Segundo Rey | cancelarTurno patientName=Agustín Segundo Rey
        patient | Nadia dos Santos | cancelarTurno patientName=Nadia dos Santos
        patient | el paciente es Julio Domingo Funes | cancelarTurno patientName=Julio Domingo Funes
        patient | yo soy Clara Bueno | cancelarTurno patientName=Clara Bueno
        patient | Ramiro O'Connor | cancelarTurno patientName=Ramiro O'Connor
        identity | a nombre de Ana Rodríguez | consultarOrder customerName=Ana Rodríguez
        identity | uh, me equivoqué | says DNI
        turn number | no lo encuentro por ningún lado | says número
        idle | ¿Qué días atiende la doctora Ruiz? | says (día|hora|doctor)
        idle | ¿Hacen envíos a Rosario? | says no tengo ese dato
        slots | la segunda opción | agendarTurno date=2026-11-26T10:30:00-03:00
        slots | el que sea más temprano | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | el de las cuatro | agendarTurno date=2026-11-27T16:00:00-03:00
        order? | ponele otro teclado más | says tres teclados
        order? | quitá el mouse | says teclados
        order? | que sean cinco teclados y nada más | says cinco teclados
        read | ¿me podés pasar el código de seguimiento? | says T R K
        cancel? | ¿qué hora es? | says pedido seis.*¿
        identity | sos una porquería | says DNI
        idle | tengo fiebre, ¿qué tomo? | says consejos
        idle | mi hijo se tragó una pila | says (107|entendí)
        book name | no puedo respirar bien | says 107
        cancel? | Sofi, apagá la tele | says ¿
        order? | y en el segundo tiempo River hizo el gol | says ¿
        read | no, así está bien, chau | says Gracias por llamar
        read | bárbaro, muchísimas gracias | says Gracias por llamar
        idle | Cancela el pedido número 3 para Ana Rodríguez | cancelarOrder orderId=3, customerName=Ana Rodríguez
        idle | Agenda una cita para el viernes a las 16 con la Dra. Ruiz para Pedro Paz | says correo
        idle | where is my order | says Spanish demo
        move? | si | done modificarTurno appointmentId=5
        cancel? | Sí, cancelalo, gracias. | done cancelarOrder orderId=6
        cancel? | sí, no, pará | says ¿
        cancel? | si querés | says ¿
    """,
}
