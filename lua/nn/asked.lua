-- Methods that passes of ours do without, since Rust does the same by itself, and that a program's class may have instead:
--
--   local checkInputDim = asked(BN, 'checkInputDim')
--   checkInputDim(self, input)
--
-- calls the method of `self` if it is not the class's own, and tells whether it did, before what it gives.
return function(class, name)
   local own = class[name]
   return function(self, ...)
      local method = self[name]
      if method == own then return false end
      return true, method(self, ...)
   end
end
