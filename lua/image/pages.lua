-- Pictures for the eye: ranges of values, pages of several pictures, drawing, display.
local tensors = require('rekindle.native').functions['image.tensor']
local arguments = require 'image.arguments'
local pages = {}

-- Maps values between min and max (those of the tensor, where they are not given) to 0 up to 1.
function pages.minmax(args)
   local x = type(args) == 'table' and args.tensor
   if not torch.isTensor(x) then error('image.minmax: expected a table with a tensor in its field tensor', 2) end
   local out = args.tensorOut
   if out then
      out:resize(x:size()):copy(x)
   else
      out = args.inplace and x or torch.Tensor(x:size()):copy(x)
   end
   local min, max, reach = args.min, args.max, 0
   local saturate = args.saturate and not (min == nil and max == nil)
   if min == nil and args.symm then
      reach = math.max(math.abs(out:min()), math.abs(out:max()))
      min = -reach
   end
   min = min or out:min()
   if min ~= 0 then out:add(-min) end
   if max ~= nil then
      max = max - min
   elseif args.symm then
      max = 2 * reach
   else
      max = out:max()
   end
   if max ~= 0 then out:div(max) end
   if saturate then tensors.saturate(out) end
   return out
end

-- a copy of what is to be shown; a list of pictures becomes N x C x H x W
local function packed(input)
   if torch.isTensor(input) then return torch.Tensor(input:size()):copy(input) end
   if type(input) ~= 'table' or not torch.isTensor(input[1]) then
      error('image.toDisplayTensor: expected a tensor or a list of tensors, got ' .. torch.type(input), 3)
   end
   local first = input[1]
   local d = first:dim()
   local out = torch.Tensor(#input, d == 2 and 1 or first:size(1), first:size(d - 1), first:size(d))
   for i, x in ipairs(input) do out[i]:copy(x) end
   return out
end

-- N x C x H x W pictures in rows of `nrow`, on a ground of their largest value
local function tiled(x, nrow, padding)
   local n = x:size(1)
   local columns = math.min(nrow, n)
   local high, wide = x:size(3) + padding, x:size(4) + padding
   local grid = torch.Tensor(x:size(2), high * math.ceil(n / columns), wide * columns):fill(x:max())
   for i = 0, n - 1 do
      local top = math.floor(math.floor(i / columns) * high + 1 + padding / 2)
      local left = math.floor(i % columns * wide + 1 + padding / 2)
      grid:narrow(2, top, x:size(3)):narrow(3, left, x:size(4)):copy(x[i + 1])
   end
   return grid
end

local function colours(n) return n == 1 or n == 3 end

function pages.toDisplayTensor(...)
   local o = arguments({ ... }, 'image.toDisplayTensor', 'one tensor to be shown, from one picture or many', {
      { arg = 'input', type = 'torch.Tensor | table', help = 'HxW, KxHxW, Kx3xHxW or a list', req = true },
      { arg = 'padding', type = 'number', help = 'pixels between pictures', default = 0 },
      { arg = 'nrow', type = 'number', help = 'pictures in a row', default = 6 },
      { arg = 'scaleeach', type = 'boolean', help = 'whether each has a range of its own', default = false },
      { arg = 'min', type = 'number', help = 'what is shown as 0' },
      { arg = 'max', type = 'number', help = 'what is shown as 1' },
      { arg = 'symmetric', type = 'boolean', help = 'whether 0 is shown as the middle', default = false },
      { arg = 'saturate', type = 'boolean', help = 'whether values outside are held', default = true } })
   local x = packed(o.input)
   local function scale(t)
      return pages.minmax { tensor = t, inplace = true, min = o.min, max = o.max, symm = o.symmetric, saturate = o.saturate }
   end
   local d = x:dim()
   if d == 2 or d == 3 and colours(x:size(1)) then return scale(x) end
   if not (d == 3 or d == 4 and colours(x:size(2))) then
      error('image.toDisplayTensor: expected HxW, KxHxW, Kx3xHxW or a list of tensors', 2)
   end
   if o.scaleeach then
      for i = 1, x:size(1) do scale(x[i]) end
   end
   local flat = d == 3
   if flat then x = x:view(x:size(1), 1, x:size(2), x:size(3)) end
   local grid = tiled(x, o.nrow, o.padding)
   if flat then grid = grid[1] end
   return o.scaleeach and grid or scale(grid)
end

-- the picture to draw into: a copy, unless it is drawn in place
local function canvas(where, src, opts)
   if not torch.isTensor(src) or src:dim() ~= 3 or src:size(1) ~= 3 then
      error(where .. ': expected an image of 3xHxW', 3)
   end
   return opts.inplace and src or src:clone()
end

function pages.drawText(src, text, x, y, opts)
   opts = opts or {}
   local out = canvas('image.drawText', src, opts)
   if not text or not tostring(text):find('%S') then return out end
   local ink, paper = opts.color or { 255, 0, 0 }, opts.bg or { -1, -1, -1 }
   tensors.text(out, text, x or 1, y or 1, opts.size or 1, ink[1], ink[2], ink[3], paper[1], paper[2], paper[3],
      opts.wrap == false and 0 or 1)
   return out
end

function pages.drawRect(src, x1, y1, x2, y2, opts)
   opts = opts or {}
   local out = canvas('image.drawRect', src, opts)
   if not (x1 and y1 and x2 and y2) then return out end
   local colour = opts.color or { 255, 0, 0 }
   tensors.drawRect(out, x1, y1, x2, y2, opts.lineWidth or 1, colour[1], colour[2], colour[3])
   return out
end

return pages
