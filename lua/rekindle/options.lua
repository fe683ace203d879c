-- Options of the commands of `th`: words that begin with `-`, some followed by a value.

-- Reads `args`: `known` maps names to true (a value follows), 'list' (so it may several times) or false (it stands alone).
-- Gives the options and the other words; an error begins with the command's name. -h and -help print `usage`, and give
-- nothing.
return function(command, args, known, usage)
   local options, words, i = {}, {}, 1
   while i <= #args do
      local word = args[i]
      local name = word:match('^%-%-?(%a[%w-]*)$')
      if not name then
         words[#words + 1] = word
      elseif name == 'h' or name == 'help' then
         return print(usage)
      elseif known[name] == nil then
         error(string.format('%s: unknown option %s', command, word), 0)
      elseif known[name] == false then
         options[name] = true
      else
         i = i + 1
         local value = args[i]
         if value == nil then error(string.format('%s: %s needs a value', command, word), 0) end
         if known[name] == 'list' then
            options[name] = options[name] or {}
            table.insert(options[name], value)
         else
            options[name] = value
         end
      end
      i = i + 1
   end
   return options, words
end
