-- The package image. What works on pixels is in Rust; here is what puts it together: files, kernels of filters, maps of
-- colours, pages of pictures. Each part returns a table of functions.
local native = require 'rekindle.native'
image = {}

-- Functions of Lua's, as in Torch7, where programs write them into files with what holds them. They know what they call
-- by its name alone.
local BODY = "return function(...) return require('rekindle.native').functions.image.%s(...) end"
for name in pairs(native.functions.image) do
   image[name] = assert(loadstring(BODY:format(name), '=image/' .. name .. '.lua'))()
end

-- the functions of tensors, whose destinations have their sizes already: x.image.scaleBilinear(x, y)
for _, element in ipairs(native.element_types) do
   if element.pixel then
      local functions = {}
      for name, f in pairs(native.functions['image.tensor']) do functions[name] = f end
      image[element.name:lower()] = functions
      rawset(torch.getmetatable('torch.' .. element.name .. 'Tensor'), 'image', functions)
   end
end

for _, part in ipairs { 'files', 'filters', 'colours', 'pages', 'windows', 'samples' } do
   for name, f in pairs(require('image.' .. part)) do image[name] = f end
end

return image
