"""Sentences of callers by kind: the state of the call, what is said, and what must come of it.

A line is `state | sentence | outcome`. An outcome is `says WORDS` (a pattern that Carlos's answer must match, without
case), `tool key=value, key=value` (the tool use that the sentence leads to), or `done tool …` for one that is carried
out. Where nothing else is said, nothing may be written.
"""

# ruff: noqa: E501
from __future__ import annotations

STATES: dict[str, tuple[str, ...]] = {
    "idle": (),
    "order number": ("Quiero saber cómo va un pedido",),
    "turn number": ("Quiero cancelar un turno",),
    "identity": ("Quiero saber el estado del pedido tres",),
    "cancel identity": ("Quiero cancelar el pedido seis",),
    "patient": ("Quiero cancelar el turno dos",),
    "book doctor": ("Quiero sacar un turno",),
    "book name": ("Quiero un turno con la doctora López",),
    "book email": ("Quiero un turno con la doctora López, soy Juan Pérez",),
    "book when": ("Quiero un turno con la doctora López, soy Juan Pérez, mi mail es juan@email.com",),
    "items": ("Quiero hacer un pedido",),
    "order name": ("Quiero pedir dos teclados y un mouse",),
    "move when": ("Quiero cambiar el turno cinco, soy Elena Martínez",),
    "cancel?": ("Quiero cancelar el pedido seis, mi DNI es 35.012.678",),
    "cancel turn?": ("Quiero cancelar el turno siete, soy Ana Rodríguez",),
    "move?": ("Quiero pasar el turno cinco al jueves a las diez, soy Elena Martínez",),
    "book?": (
        "Quiero un turno con la doctora López, soy Juan Pérez, mi mail es juan@email.com",
        "el jueves a las once de la mañana",
    ),
    "order?": ("Quiero pedir dos teclados y un mouse, soy Juan Pérez, mi mail es juan@email.com",),
    "slots": (
        "Quiero un turno con la doctora López, soy Juan Pérez, mi mail es juan@email.com",
        "mañana a las nueve de la mañana",
    ),
    "read": ("¿Cómo va mi pedido 3? Soy Ana Rodríguez",),
    "read turn": ("¿Cuándo es mi turno uno? Soy María González",),
}

KINDS: dict[str, str] = {
    "several": """
        idle | Quiero cancelar el pedido seis y sacar un turno | says pedido seis.*DNI
        idle | Necesito cancelar el turno dos y también cambiar el turno cinco | says turno dos.*paciente
        idle | Quiero saber cómo va mi pedido tres y cuándo es mi turno uno, soy Ana Rodríguez | consultarTurno appointmentId=1, patientName=Ana Rodríguez
        idle | Cancelame el pedido 6 y el turno 7, soy Ana Rodríguez | cancelarOrder orderId=6, customerName=Ana Rodríguez
        idle | quiero cancelar los pedidos seis y siete, mi DNI es 35012678 | cancelarOrder orderId=6
        idle | Soy Ana Rodríguez y quiero cancelar el turno siete | cancelarTurno appointmentId=7, patientName=Ana Rodríguez
        cancel? | sí, y también cancelá el turno uno | says pedido (6|seis).*¿
        cancel? | dale, y después quiero sacar un turno | says pedido (6|seis).*¿
        cancel turn? | sí, y además decime cómo va mi pedido tres | says turno (7|siete).*¿
        read | cancelá el turno siete y después el turno ocho | cancelarTurno appointmentId=7
    """,
    "negation": """
        idle | no quiero cancelar el pedido tres, quiero saber cuándo llega | says pedido tres.*DNI
        read | pero no lo quiero más | cancelarOrder orderId=3
        read | no quiero cancelarlo, quiero saber qué trae | says iPhone
        read turn | no voy a poder ir | cancelarTurno appointmentId=1
        idle | no quiero un turno, quiero hacer un pedido | says productos
        idle | no es para cancelar, es para cambiar el turno cinco | says turno cinco.*paciente
        patient | nada más que María González | cancelarTurno patientName=María González
        cancel? | uy no, me equivoqué | says decime
        cancel identity | no quiero cancelar nada, quiero saber si ya salió | says DNI
        items | no quiero un turno, un pedido de tres teclados | says nombre
        cancel turn? | no, no lo canceles | says lo dejamos
        move? | no quiero moverlo, quiero cancelarlo | cancelarTurno appointmentId=5
    """,
    "corrections": """
        identity | no, era el cinco | says pedido cinco
        identity | no el tres, el seis | says pedido seis
        identity | perdón, quise decir el cuatro | says pedido cuatro
        cancel? | no, era el cinco | cancelarOrder orderId=5
        cancel? | perdón, me equivoqué, es el pedido cuatro | cancelarOrder orderId=4
        cancel? | no el seis, el siete | cancelarOrder orderId=7
        cancel identity | treinta y cinco millones, no, perdón, treinta y seis millones doce mil seiscientos setenta y ocho | cancelarOrder dni=36012678
        cancel? | el DNI está mal, es 35.012.679 | cancelarOrder dni=35012679
        cancel? | me equivoqué de DNI | says DNI
        patient | no, el turno es el tres | says turno tres
        patient | María González, no, perdón, María Gómez | cancelarTurno patientName=María Gómez
        move? | mejor el viernes | modificarTurno newDate=2026-11-27, newTime=10:00
        move? | mejor a las once | modificarTurno newDate=2026-11-26, newTime=11:00
        move? | no el jueves, el viernes | modificarTurno newDate=2026-11-27
        move? | no, a las diez no, a las once y media | modificarTurno newTime=11:30
        book? | cambiá el mail | says correo
        book? | el mail está mal | says correo
        book? | el mail es pedro@gmail.com | agendarTurno patientEmail=pedro@gmail.com
        book? | no, con el doctor Mendoza | agendarTurno doctorName=Dr. Roberto Mendoza
        book? | no, soy Juan Gómez | agendarTurno patientName=Juan Gómez
        book? | cambiá la hora | says hora
        book? | mejor otro día | says día
        book when | perdón, el mail es juan arroba gmail punto com | says día
        order? | no, el nombre es Juana Pérez | crearOrder customerName=Juana Pérez
    """,
    "repeat": """
        idle | ¿Cómo? | says en qué te puedo ayudar
        order number | ¿cómo? | says número de pedido
        order number | ¿Qué? | says número de pedido
        order number | ¿Perdón? | says número de pedido
        identity | no te escuché | says DNI
        identity | ¿qué dijiste? | says DNI
        identity | más despacio por favor | says DNI
        identity | hablá más fuerte | says DNI
        identity | repetime | says DNI
        cancel? | ¿cómo? | says pedido (6|seis).*¿
        cancel? | ¿me lo repetís? | says pedido (6|seis).*¿
        cancel? | más despacio | says pedido (6|seis).*¿
        book? | ¿qué día dijiste? | says jueves
        book? | ¿a qué hora? | says (11|once)
        book? | ¿con quién era? | says López
        read | ¿cómo dijiste? | says martes veinticuatro
        read | ¿qué día dijiste? | says martes veinticuatro
        read turn | ¿eh? | says miércoles veinticinco
        read turn | no entendí, ¿me lo decís de nuevo? | says miércoles veinticinco
        book when | ¿podés hablar más lento? | says día
    """,
    "names": """
        patient | Ernesto Funes | cancelarTurno patientName=Ernesto Funes
        patient | soy Marta Nunes | cancelarTurno patientName=Marta Nunes
        patient | Ernesto Sábato | cancelarTurno patientName=Ernesto Sábato
        patient | Juan Domingo Perón | cancelarTurno patientName=Juan Domingo Perón
        patient | María Bueno | cancelarTurno patientName=María Bueno
        patient | Lucía Claro | cancelarTurno patientName=Lucía Claro
        patient | soy Ana dos Santos | cancelarTurno patientName=Ana dos Santos
        patient | Segundo Sombra | cancelarTurno patientName=Segundo Sombra
        patient | Ronald Mc Donald | cancelarTurno patientName=Ronald Mc Donald
        patient | Lidia D'Angelo | cancelarTurno patientName=Lidia D'Angelo
        patient | María de los Ángeles Di Pietro | cancelarTurno patientName=María de los Ángeles di Pietro
        patient | Juan P. Gómez | cancelarTurno patientName=Juan P Gómez
        patient | Bueno, Juan Pérez | cancelarTurno patientName=Juan Pérez
        patient | eh, es a nombre de Rosa Luna | cancelarTurno patientName=Rosa Luna
        patient | habla Carlos Domingo | cancelarTurno patientName=Carlos Domingo
        patient | el turno está a nombre de mi mamá, Rosa Benítez | cancelarTurno patientName=Rosa Benítez
        patient | Me equivoqué | says (paciente|cuál|corrij)
        patient | Pérez, Ana | cancelarTurno patientName=Ana Pérez
        patient | Martín Martínez Sosa | cancelarTurno patientName=Martín Martínez Sosa
        idle | cancelá el turno dos para Juan Pérez | cancelarTurno patientName=Juan Pérez
        idle | Quiero cancelar el turno dos, me llamo Viernes Robinson | cancelarTurno patientName=Viernes Robinson
        move? | soy Elena Domingo | modificarTurno patientName=Elena Domingo, newDate=2026-11-26
        book name | soy Ramón Lunes | says correo
        order name | Domingo Cavallo | says correo
        order name | Juan | says apellido
    """,
    "no number": """
        order number | no sé el número | says (mail|número|nuevo)
        order number | no lo tengo a mano | says (mail|número|nuevo)
        turn number | no me acuerdo | says (mail|número|nuevo)
        turn number | y no tengo el número del turno | says (mail|número|nuevo)
        idle | quiero cancelar un turno pero no sé el número | says número
        idle | ¿qué horarios hay? | says (día|hora|doctor)
        idle | ¿qué médicos atienden? | says Rodríguez
        idle | ¿dónde quedan? | says no tengo ese dato
        idle | ¿cuánto sale la consulta? | says no tengo ese dato
        idle | ¿trabajan con OSDE? | says no tengo ese dato
        book email | no tengo mail | says (correo|mail)
    """,
    "slots": """
        slots | la primera | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | el segundo | agendarTurno date=2026-11-26T10:30:00-03:00
        slots | la de las diez y media | agendarTurno date=2026-11-26T10:30:00-03:00
        slots | cualquiera | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | el más temprano | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | a primera hora | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | el último | agendarTurno date=2026-11-27T16:00:00-03:00
        slots | la del viernes | agendarTurno date=2026-11-27T16:00:00-03:00
        slots | dale, el primero | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | la tercera opción | agendarTurno date=2026-11-27T16:00:00-03:00
        slots | ninguno | says (día|otro)
        slots | a las cuatro de la tarde | agendarTurno date=2026-11-27T16:00:00-03:00
    """,
    "items": """
        order? | agregale una funda | says funda.*¿
        order? | sacale el mouse | says teclados.*¿
        order? | en vez de un mouse, una tablet | says tablet.*¿
        order? | que sean tres teclados | says (tres|3) teclados.*¿
        order? | y también un monitor | says monitor.*¿
        order? | sin el mouse | says teclados.*¿
        order? | poneme otro mouse | says dos mouse
        read | el otro día hice un pedido | says (número|pedido)
        read | ¿me pasás el total? | says mil doscientos treinta y nueve
        read | ¿me pasás el código de seguimiento? | says T R K
        idle | el otro día hice un pedido y no llegó | says número
        idle | quiero agregarle algo a mi pedido | says no lo puedo cambiar
    """,
    "not its business": """
        idle | ¿qué tiempo hace hoy? | says pedidos y.* turnos
        identity | ¿quién ganó el partido? | says DNI
        identity | contame un chiste | says DNI
        identity | sos un inútil | says DNI
        identity | ¿sos un robot? | says asistente virtual.*DNI
        cancel? | ¿sos una persona? | says asistente virtual.*¿
        idle | ¿quién te hizo? | says Nova Sonic
        idle | me duele el pecho | says 107
        cancel? | me duele mucho el pecho y no puedo respirar | says 107
        book when | mi mamá no puede respirar | says 107
        identity | ¿qué hora es? | says DNI
        idle | ¿qué día es hoy? | says lunes veintitrés
    """,
    "not to it": """
        cancel? | Claudia, ¿está listo el café? | says ¿
        cancel? | y bueno, vamos a una pausa | says ¿
        cancel? | mamá, bajá la tele | says ¿
        identity | Claudia, ¿está listo el café? | says (hablás a mí|DNI)
        idle | Juan, vení a comer | says (hablás a mí)
        patient | Marcela, atendé la puerta | says (hablás a mí|paciente)
        idle | y ahora las noticias del deporte | says (entendí|hablás a mí)
    """,
    "goodbye": """
        idle | tchau | says Gracias por llamar
        read | chau chau | says Gracias por llamar
        read | listo, gracias | says Gracias por llamar
        read | nos vemos | says Gracias por llamar
        read | nada más, gracias | says Gracias por llamar
        read | no, eso era todo, muchas gracias | says Gracias por llamar
        read | gracias, hasta luego | says Gracias por llamar
        read | te mando un abrazo, chau | says Gracias por llamar
        read | bueno, gracias por todo | says Gracias por llamar
    """,
    "the original's": """
        idle | Consulta el pedido número 1 con DNI 12345678 | consultarOrder orderId=1, dni=12345678
        idle | Cancela el pedido número 2 para Juan Pérez | cancelarOrder orderId=2, customerName=Juan Pérez
        idle | Crea un pedido para María García con 2 productos | says qué productos
        idle | Agenda una cita para mañana a las 10 con el Dr. Rodríguez | says nombre completo
        idle | Cancela la cita número 3 para Ana Martínez | cancelarTurno appointmentId=3, patientName=Ana Martínez
        idle | Modifica la cita número 1 para el viernes a las 15:00 | says nombre completo
        idle | Consulta la cita número 2 para Luis Fernández | consultarTurno appointmentId=2, patientName=Luis Fernández
        idle | Modifica la cita número 3 para el viernes a las 15:00 | says nombre completo
        idle | Creá un pedido para María García con dos teclados | says correo
        idle | Consultá el turno 2 para Luis Fernández | consultarTurno appointmentId=2, patientName=Luis Fernández
        idle | Agendá una cita para Luis Fernández mañana a las 10 con el doctor Rodríguez | says correo
    """,
    "english": """
        idle | Do you speak English? | says Spanish demo
        idle | Hello, I want to know the status of my order | says Spanish demo
        identity | sorry, I don't understand | says Spanish demo
        cancel? | yes please | says ¿
    """,
    "third time": """
        order number | la tortuga cruzó la autopista | says número de pedido
        book email | la tortuga cruzó la autopista | says correo
    """,
    "found since": """
        idle | ¿Cuánto sale un monitor? | says no tengo ese dato
        idle | Hola, quiero saber que productos tienen mi pedido número 2. | says pedido dos.*DNI
        idle | llamo por un reclamo | says reclamos
        idle | Yo no cancelé nada, ¿cómo está mi pedido uno? Soy María González | consultarOrder orderId=1
        idle | Quiero cancelar el pedido cinco. No, perdón, el seis. | says pedido seis
        idle | ¿Tenés turno para mañana a las diez con López? | says paciente
        idle | mi hijo tiene turno el jueves y está con fiebre, quiero cambiarlo | says número de turno
        identity | para qué lo necesitás | says cuidar tus datos.*DNI
        identity | soy el marido de Ana Rodríguez | says DNI
        identity | mi nombre es Ana, mi apellido Rodríguez | consultarOrder customerName=Ana Rodríguez
        patient | es para mi hija, Martina Domingo | cancelarTurno patientName=Martina Domingo
        patient | me llamo Juan y mi apellido es Claro | cancelarTurno patientName=Juan Claro
        patient | J. P. Morgan | cancelarTurno patientName=J P Morgan
        patient | sí, Elena, Elena Martínez | cancelarTurno patientName=Elena Martínez
        patient | María González nada más | cancelarTurno patientName=María González
        book when | lo antes posible | says día y una hora
        book when | a la tarde | says día y una hora
        book doctor | no importa cuál | says Rodríguez
        book email | no uso mail | says correo
        items | lo de siempre | says qué productos
        items | ¿qué tenés? | says no tengo ese dato
        cancel? | ¿cuánto era el total? | says mil doscientos treinta y nueve.*pedido seis.*¿
        cancel? | sí, pero el cinco | cancelarOrder orderId=5
        cancel? | mejor cambialo | says no lo puedo cambiar
        cancel turn? | sí, y sacame otro para el viernes | says primero.*turno siete
        cancel turn? | ¿no se puede pasar para otro día? | says día
        book? | mejor a la tarde | says hora
        move? | no, el jueves no puedo | says día
        order? | agregá un monitor y sacá el mouse | says teclados y un monitor
        order? | no quiero el mouse | says dos teclados.*¿
        order? | en realidad son tres teclados | says tres teclados y un mouse
        order? | y un monitor más | says monitor
        slots | la de la mañana | agendarTurno date=2026-11-26T10:00:00-03:00
        slots | jueves diez y media | agendarTurno date=2026-11-26T10:30:00-03:00
        slots | no, dejalo | says lo dejamos
        read | ¿y cuánto me va a costar? | says mil doscientos treinta y nueve
        cancel? | sí | done cancelarOrder orderId=6
        cancel? | obvio, dale | done cancelarOrder orderId=6
        move? | sí, pasalo nomás | done modificarTurno appointmentId=5
        book? | sí, agendalo | done agendarTurno patientName=Juan Pérez
        order? | sí, hacelo | done crearOrder customerName=Juan Pérez
    """,
}
