-- Arguments of functions of image that take them by name or by place, as package dok has it, and of the types they say.
local PLAIN = { number = true, boolean = true, string = true }

return function(args, name, text, specs)
   local o = dok.unpack(args, name, text, unpack(specs))
   for _, spec in ipairs(specs) do
      local value = o[spec.arg]
      if PLAIN[spec.type] and value ~= nil and type(value) ~= spec.type then
         error(string.format('%s: %s should be a %s, got a %s', name, spec.arg, spec.type, torch.type(value)))
      end
      if spec.type == 'torch.Tensor' and value ~= nil and not torch.isTensor(value) then
         error(string.format('%s: %s should be a tensor, got a %s', name, spec.arg, torch.type(value)))
      end
   end
   return o
end
