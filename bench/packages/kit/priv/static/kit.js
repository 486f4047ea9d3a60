export function connect(path, options) {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${path}`)
  socket.onclose = () => setTimeout(() => connect(path, options), options.longPoll)
  return socket
}
