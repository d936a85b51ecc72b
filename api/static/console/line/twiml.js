/** TwiML, as far as an answered call needs it. https://www.twilio.com/docs/voice/twiml */

/** The verbs of a document: {verb, text}, and for Connect {url, parameters, action}. Throws for what is no TwiML. */
export function readTwiml(xml) {
  const root = new DOMParser().parseFromString(xml, "application/xml").documentElement;
  if (root.nodeName !== "Response") throw new Error(`expected <Response> but got <${root.nodeName}>`);
  return [...root.children].map((element) => ({
    verb: element.nodeName,
    text: element.textContent.trim(),
    ...(element.nodeName === "Connect" && stream(element)),
  }));
}

function stream(connect) {
  const element = connect.querySelector("Stream");
  const parameters = [...element.querySelectorAll("Parameter")];
  return {
    url: element.getAttribute("url"),
    action: connect.getAttribute("action"),
    parameters: Object.fromEntries(parameters.map((each) => [each.getAttribute("name"), each.getAttribute("value")])),
  };
}
