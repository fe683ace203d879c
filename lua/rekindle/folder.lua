-- Folders that the commands of `th` fill with texts.

-- Gives a function that writes a text into a file of the folder `dir`, which is made where it is not there. `command` is
-- what the user called, for errors: what cannot be made, or not be written whole.
return function(command, dir)
   if not paths.dirp(dir) and not paths.mkdir(dir) then error(command .. ': cannot make the folder ' .. dir, 0) end
   return function(name, text)
      local path = paths.concat(dir, name)
      local file, why = io.open(path, 'w')
      if not file then error(command .. ': ' .. why, 0) end
      local whole, stopped = file:write(text)
      local closed, unwritten = file:close()
      if not whole or not closed then
         error(string.format('%s: cannot write %s: %s', command, path, tostring(stopped or unwritten)), 0)
      end
   end
end
