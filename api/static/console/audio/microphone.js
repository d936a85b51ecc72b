/** The microphone, with echo cancelled: Carlos must not interrupt himself. */

const WANTED = { audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true } };

/** {stream} or {problem: "refused" | "absent"}. */
export async function openMicrophone() {
  if (!navigator.mediaDevices) return { problem: "absent" };
  try {
    return { stream: await navigator.mediaDevices.getUserMedia(WANTED) };
  } catch (error) {
    return { problem: error.name === "NotFoundError" ? "absent" : "refused" };
  }
}
