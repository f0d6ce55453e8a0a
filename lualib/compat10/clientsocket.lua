-- The old name of client.socket.

return require "client.socket"
