"""A thousand common names of Argentina, written down by hand, in the spellings that are usual there."""

from __future__ import annotations


def _listed(names: str) -> tuple[str, ...]:
    return tuple(names.split())


GIVEN = _listed(
    """
    María Juan José Carlos Luis Ana Jorge Miguel Rosa Juana Marta Oscar Silvia Mario Ricardo Norma Roberto Héctor
    Eduardo Susana Daniel Alberto Graciela Julio Elena Hugo Claudia Raúl Patricia Mónica Antonio Rubén Adriana
    Liliana Alejandro Alicia Pedro Beatriz Ramón Francisco Mirta Gustavo Fernando Stella Teresa Víctor Sergio Nélida
    Olga Ángel Marcelo Pablo Gabriela Elsa Sandra Andrea Verónica Carolina Lorena Natalia Romina Paola Mariana
    Cecilia Laura Florencia Valeria Luciana Soledad Yanina Daniela Karina Carina Fabiana Viviana Marcela Alejandra
    Lucía Sofía Martina Camila Agustina Micaela Milagros Rocío Julieta Antonella Brenda Melina Celeste Aldana
    Macarena Candela Abril Pilar Victoria Valentina Catalina Delfina Guadalupe Josefina Emilia Emma Olivia Isabella
    Mía Zoe Renata Bianca Malena Morena Alma Juliana Juanita Evangelina Georgina Jimena Gimena Ximena Noelia Johana
    Yohana Yésica Jésica Jessica Vanesa Vanessa Melisa Melissa Gisela Gisele Giselle Griselda Graciana Estela Esther
    Ester Ema Irma Inés Irene Ida Hilda Haydée Herminia Hortensia Elvira Eloísa Elisa Elizabeth Isabel Ofelia Nilda
    Nora Nancy Nadia Nadina Miriam Myriam Mirian Mabel Margarita Magdalena Lidia Lydia Leonor Leticia Lucrecia
    Ludmila Luz Luisa Lourdes Lilian Dora Delia Débora Diana Dolores Edith Ercilia Eugenia Eva Fátima Felisa
    Francisca Gladys Gloria Guillermina Carmen Clara Constanza Cristina Corina Celia Blanca Berta Bárbara Azucena
    Aurora Araceli Antonia Angélica Ángela Anahí Analía Amelia Amalia Amanda Alba Aída Agueda Sabrina Sara Selva
    Solange Sonia Susan Tamara Tatiana Trinidad Úrsula Vilma Virginia Walkiria Yolanda Zulema Zulma Raquel Rebeca
    Regina Ramona Rita Rosario Rosana Roxana Ruth Paula Paulina Perla Petrona Priscila Mateo Matías Matheo Mathías
    Martín Marcos Mariano Mauricio Mauro Maximiliano Máximo Manuel Lucas Luca Luciano Leandro Leonardo Leonel Lionel
    Lisandro Lautaro Lorenzo Lázaro Joaquín Jonathan Jonatan Jeremías Javier Xavier Jaime Iván Ismael Isaías Ignacio
    Hernán Horacio Humberto Gonzalo Germán Gerardo Guillermo Gilberto Gabriel Gastón Franco Facundo Fabián Federico
    Felipe Félix Fermín Fausto Ezequiel Exequiel Esteban Estefano Ernesto Enzo Enrique Emiliano Emilio Emanuel
    Emmanuel Elías Eliseo Efraín Edgardo Darío Damián David Dante Diego Dylan Dilan Domingo Cristian Christian
    Cristhian César Ciro Claudio Benjamín Bautista Braian Brian Bryan Bruno Bernardo Benito Axel Augusto Atilio
    Aurelio Armando Ariel Aníbal Andrés Alfredo Alfonso Alexis Alexander Alex Aldo Alan Agustín Adrián Adolfo Abel
    Aarón Saúl Samuel Santiago Santino Sebastián Segundo Silvio Simón Tadeo Tiago Thiago Tobías Tomás Thomas Ulises
    Valentín Vicente Walter Gualter Wálter Washington Wenceslao Wilson Yamil Yamila Zacarías Rafael Ramiro Reinaldo
    Reynaldo Rodrigo Rodolfo Rogelio Román Rolando Roque Patricio Pascual Orlando Omar Osvaldo Oswaldo Nicolás
    Néstor Norberto Nahuel Natanael Nehuén Modesto Moisés Milton Melchor Lisa Liza Helena Ailén Aylén Ayelén Mailén
    Maylén Malvina Marianela Marina Maricel Marisel Marisa Maitena Maite Mayra Maira Cynthia Cintia Sintia Silvina
    Sylvia Tania Thelma Telma Selene Nazarena Nazareno Nicole Oriana Priscilla Pía Uma Jazmín Yazmín Zaira
    """
)
SURNAMES = _listed(
    """
    González Rodríguez Gómez Fernández López Díaz Martínez Pérez Romero Sánchez García Sosa Torres Ramírez Ruiz
    Álvarez Benítez Flores Acosta Medina Suárez Herrera Aguirre Pereyra Pereira Gutiérrez Giménez Jiménez Molina
    Silva Castro Rojas Ortiz Núñez Luna Juárez Cabrera Ríos Ferreyra Ferreira Godoy Morales Domínguez Moreno Peralta
    Vega Carrizo Quiroga Castillo Ledesma Muñoz Ojeda Ponce Vera Vázquez Vásquez Villalba Cardozo Cardoso Navarro
    Ramos Arias Coronel Córdoba Figueroa Correa Cáceres Vargas Maldonado Mansilla Farías Rivero Paz Miranda Roldán
    Méndez Lucero Cruz Hernández Páez Escobar Barrios Bravo Ávila Soria Leiva Leyva Acuña Alonso Moyano Soto Roldan
    Blanco Campos Toledo Franco Guzmán Velázquez Velásquez Aguilar Aguero Agüero Bustos Ibáñez Olivera Valdez Valdés
    Ayala Mendoza Delgado Duarte Chávez Chaves Avalos Ávalos Cabral Mercado Lezcano Rivas Bazán Gallardo Arce Galván
    Zárate Sandoval Velez Vélez Olmos Montenegro Medrano Barreto Barreiro Ortega Reyes Salinas Ocampo Ocampos Aranda
    Arroyo Almada Alderete Altamirano Andrada Andrade Aquino Araujo Araya Arrieta Báez Balbuena Barboza Barbosa
    Barraza Barros Basualdo Bogado Britez Brítez Burgos Bustamante Caballero Calderón Campo Cano Cantero Cardenas
    Cárdenas Carabajal Caravajal Carbajal Carballo Carvallo Cardo Casas Castaño Castellano Castellanos Céspedes
    Centurión Cisneros Colman Contreras Cortés Cortez Costa Coria Cuello Cuevas Chamorro Cháves Dávalos Díez
    Escalante Escudero Espíndola Spíndola Espinosa Espinoza Esquivel Estévez Esteves Falcón Fuentes Funes Gaitán
    Gauna Gallo Gil Gimenes Gómes Gonsález Guerra Guerrero Guevara Heredia Hidalgo Insaurralde Insfrán Irala
    Iglesias Jara Lagos Lara Leal Lescano León Lima Llanos Lobo Lozano Lugo Luján Luque Maciel Maidana Marín Marquez
    Márquez Martín Martins Medero Mena Méndes Meza Mesa Miño Monzón Montero Montiel Mora Moreira Moreyra Morel Moya
    Navarrete Nieto Nieva Nievas Noguera Nuñes Olguín Holguín Oliva Olivares Oliver Orellana Orozco Osorio Otero
    Oviedo Pacheco Palacio Palacios Palavecino Pavón Paredes Parra Pedraza Peña Peñaloza Pineda Pinto Pintos
    Portillo Posse Prado Prieto Pucheta Puebla Quevedo Quintana Quinteros Quintero Quispe Quiróz Quirós Ramallo Rey
    Reinoso Reynoso Retamar Ribero Riveros Riquelme Robledo Robles Roca Rocha Roda Rojo Román Rosa Rosales Roza
    Rossi Rosi Russo Ruso Ruíz Saavedra Sala Salas Salazar Saldaño Salguero Salto Santana Santillán Santos Saravia
    Zaravia Sarmiento Segovia Segura Sequeira Sepúlveda Serrano Sierra Solís Sotelo Tapia Tejeda Tello Tévez Teves
    Toloza Tolosa Toranzo Torre Trejo Troncoso Urquiza Uribe Valdivia Valenzuela Vallejo Vallejos Varela Barela
    Vergara Veliz Véliz Vidal Vieyra Viera Vieira Villa Villagra Villagrán Villar Villareal Villarreal Villegas
    Yáñez Llánez Ybáñez Yrigoyen Irigoyen Zabala Zavala Zamora Zapata Zeballos Ceballos Zelaya Celaya Zurita Bianchi
    Bianco Bruno Caruso Colombo Conti Costantino Constantino Cozzi Deluca Esposito Espósito Fabbri Ferrari Ferraro
    Ferrero Ferro Fontana Galli Giordano Greco Grasso Leone Lombardi Lombardo Longo Marchetti Mariani Marino Martini
    Mazza Messina Monti Moretti Morelli Napoli Negri Orlando Pagano Palermo Palumbo Parisi Pellegrini Pellegrino
    Peretti Piazza Ricci Rinaldi Rizzo Romano Rosetti Rossetti Sacco Salerno Santoro Sartori Serra Silvestri Testa
    Tosi Valenti Valentini Ventura Vitale Zanetti Zanotti Bonetti Benedetti Battaglia Barbieri Basile Bellini Becker
    Braun Fischer Fisher Franz Gross Hoffmann Hofmann Huber Keller Klein Kramer Krause Kruger Lang Maier Mayer Meyer
    Müller Muller Neumann Richter Roth Schmidt Schmid Schneider Schulz Schultz Schwarz Wagner Weber Weiss Werner
    Wolf Ziegler Zimmermann Cohen Kohn Levy Levi Katz Goldberg Rosenberg Friedman Kaplan Rabinovich Brown Smith
    Walsh Kelly Murphy Duffy O'Brien McDonald Ibarra Ibarguren Iturralde Goyeneche Etcheverry Echeverría Echeverri
    Echeverry Etchegaray Echegaray Elizalde Arana Aramburu Arrigoni Zubiría Olazábal Ochoa Urrutia Bilbao Uriarte
    Larrea Mendieta Abdala Haddad Nader Saleh Yapur Sapag Kovacs Kowalski Novak Nowak Ivanov Petrov
    """
)
