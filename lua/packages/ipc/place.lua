-- Where a server is, in a file that others read: publish(host, port) and query(), as ipc.DiscoveredTree takes them. `own` is a
-- name in the same folder that nobody else writes, so that there is no moment in which the file is half written.
return function(name, own)
   local function publish(host, port)
      local file = assert(io.open(own, 'w'))
      file:write(host, ':', port)
      file:close()
      os.rename(own, name)
   end
   local function query()
      local file = io.open(name, 'r')
      if not file then return nil end
      local host, port = file:read('*a'):match('^(.-):(%d+)$')
      file:close()
      return host, tonumber(port)
   end
   return publish, query
end
