-- Prints every name of a list (sections of classes, names one after another) that this program does not know.
local path = arg and arg[1] or ...
local section, owner
local function known(name)
   local v
   if section == 'torch' then v = torch[name] else v = owner and owner[name] end
   return v ~= nil
end
local count = 0
for line in io.lines(path) do
   local head = line:match('^%[([%w%.]+)%]$')
   if head then
      section = head
      owner = head ~= 'torch' and torch.getmetatable(head) or nil
   elseif section and line:sub(1, 1) ~= '#' then
      for name in line:gmatch('%S+') do
         count = count + 1
         if not known(name) then print('missing ' .. section .. '.' .. name) end
      end
   end
end
print(count .. ' names')
