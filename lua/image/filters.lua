-- Kernels of filters, and what is filtered with them.
local native = require 'rekindle.native'
local bell, hat = native.functions['image.tensor'].gaussian, native.functions['image.part'].laplacian
local arguments = require 'image.arguments'
local image = image
local filters = {}

-- Reads arguments by name or by position: each option is { name, type, default, name of the option that it defaults to }.
local function options(name, text, args, list)
   local specs = {}
   for i, o in ipairs(list) do
      specs[i] = { arg = o[1], type = o[2], help = o[1], default = o[3], defaulta = o[4] }
   end
   return arguments(args, 'image.' .. name, text, specs)
end

-- what a kernel of two dimensions takes, with this spread
local function plane(sigma)
   return {
      { 'size', 'number', 3 }, { 'sigma', 'number', sigma }, { 'amplitude', 'number', 1 }, { 'normalize', 'boolean', false },
      { 'width', 'number', nil, 'size' }, { 'height', 'number', nil, 'size' },
      { 'sigma_horz', 'number', nil, 'sigma' }, { 'sigma_vert', 'number', nil, 'sigma' },
      { 'mean_horz', 'number', 0.5 }, { 'mean_vert', 'number', 0.5 }, { 'tensor', 'torch.Tensor' },
   }
end

local function demand_elements(where, tensor, dims)
   if not torch.isTensor(tensor) or tensor:dim() ~= dims or tensor:nElement() == 0 then
      error(where .. ': expected a tensor of ' .. dims .. ' dimensions with elements', 3)
   end
end

function filters.gaussian(...)
   local o = options('gaussian', 'a Gaussian bell in two dimensions', { ... }, plane(0.25))
   if o.tensor then demand_elements('image.gaussian', o.tensor, 2) end
   local out = o.tensor or torch.Tensor(o.height, o.width)
   bell(out, o.amplitude, o.normalize and true or false, o.sigma_horz, o.sigma_vert, o.mean_horz, o.mean_vert)
   return out
end

function filters.laplacian(...)
   local o = options('laplacian', 'a Laplacian of a bell in two dimensions', { ... }, plane(0.1))
   local out = torch.Tensor(o.height, o.width)
   hat(out, o.amplitude, o.normalize and true or false, o.sigma_horz, o.sigma_vert, o.mean_horz, o.mean_vert)
   return out
end

function filters.gaussian1D(...)
   local o = options('gaussian1D', 'a Gaussian bell in one dimension', { ... }, {
      { 'size', 'number', 3 }, { 'sigma', 'number', 0.25 }, { 'amplitude', 'number', 1 },
      { 'normalize', 'boolean', false }, { 'mean', 'number', 0.5 }, { 'tensor', 'torch.Tensor' },
   })
   if o.tensor then demand_elements('image.gaussian1D', o.tensor, 1) end
   local size = o.tensor and o.tensor:size(1) or o.size
   if size < 1 then error('image.gaussian1D: size should be a number from 1 on, got ' .. tostring(size)) end
   local out = o.tensor or torch.Tensor(size)
   local top, spread = o.mean * size + 0.5, o.sigma * size
   for i = 1, size do out[i] = o.amplitude * math.exp(-((i - top) / spread) ^ 2 / 2) end
   return o.normalize and out:div(out:sum()) or out
end

-- (dst, src, kernel, mode), with the first and the last left out or not
function filters.convolve(...)
   local given = { n = select('#', ...), ... }
   local mode
   if type(given[given.n]) == 'string' then mode, given.n = given[given.n], given.n - 1 end
   if given.n == 4 and given[4] == nil then given.n = 3 end
   local dst = given.n == 3 and table.remove(given, 1) or nil
   local src, kernel = given[1], given[2]
   if not (given.n == 2 or given.n == 3) or not torch.isTensor(src) or not torch.isTensor(kernel) then
      error('image.convolve: expected [a destination,] an image, a kernel [and a mode]', 2)
   end
   if mode and mode ~= 'valid' and mode ~= 'full' and mode ~= 'same' then
      error("image.convolve: expected the mode valid, full or same, got '" .. mode .. "'", 2)
   end
   local area = (mode == 'full' or mode == 'same') and 'F' or 'V'
   local high, wide = kernel:size(kernel:dim() - 1), kernel:size(kernel:dim())
   if kernel:dim() == 2 and src:dim() == 3 then
      kernel = kernel:typeAs(src):contiguous():view(1, high, wide):expand(src:size(1), high, wide)
   end
   if dst then torch.conv2(dst, src, kernel, area) else dst = torch.conv2(src, kernel, area) end
   if mode ~= 'same' then return dst end
   local x, y = dst:dim(), dst:dim() - 1
   return dst:narrow(y, math.ceil(high / 2), src:size(y)):narrow(x, math.ceil(wide / 2), src:size(x))
end

-- (dst, src, scales), the destination being a list of tensors
function filters.gaussianpyramid(...)
   local dst, src, scales = ...
   if select('#', ...) == 2 then dst, src, scales = {}, ... end
   if type(dst) ~= 'table' or not torch.isTensor(src) or type(scales) ~= 'table' then
      error('image.gaussianpyramid: expected [a list of tensors,] an image and a list of scales', 2)
   end
   if src:dim() ~= 2 and src:dim() ~= 3 then
      error('image.gaussianpyramid: expected an image of 2 or 3 dimensions, got ' .. src:dim(), 2)
   end
   local kernel = filters.gaussian { width = 3, normalize = true }:typeAs(src)
   local last = src
   for i, scale in ipairs(scales) do
      if type(scale) ~= 'number' then
         error(string.format('image.gaussianpyramid: scale %d should be a number, got a %s', i, torch.type(scale)))
      end
      local size = src:size()
      for d = src:dim() - 1, src:dim() do size[d] = src:size(d) * scale end
      dst[i] = (dst[i] or src.new()):resize(size)
      if scale == 1 then dst[i]:copy(last) else image.scale(dst[i], last, 'simple') end
      last = filters.convolve(dst[i], kernel, 'same')
   end
   return dst
end

-- Local contrast: each pixel less the mean around it, divided by the spread around it where that is above 1.
function filters.lcn(im, ker)
   if not torch.isTensor(im) or not (im:dim() == 2 or im:dim() == 3 and im:size(1) == 1) then
      error('image.lcn: expected a grey image', 2)
   end
   ker = ker or filters.gaussian { size = 9, sigma = 1.591 / 9, normalize = true }
   local x = im:double():clone()
   if x:dim() == 3 then x = x[1] end
   x:add(-x:mean())
   x:div(x:std())
   local mean = torch.conv2(x, ker)
   local spread = torch.conv2(torch.cmul(x, x), ker):add(-1, torch.cmul(mean, mean)):cmax(0):sqrt():cmax(1)
   local top, left = math.floor(ker:size(1) / 2) + 1, math.floor(ker:size(2) / 2) + 1
   local middle = x:narrow(1, top, mean:size(1)):narrow(2, left, mean:size(2))
   return (middle - mean):cdiv(spread)
end

-- the image with a border of this value, as wide as half the kernel
local function bordered(im, kern, value)
   local high, wide = kern:size(1) - 1, kern:size(2) - 1
   local out = torch.Tensor(im:size(1) + high, im:size(2) + wide):fill(value):typeAs(im)
   local inner = out:narrow(1, math.floor(high / 2) + 1, im:size(1)):narrow(2, math.floor(wide / 2) + 1, im:size(2))
   inner:copy(im)
   return out
end

local function demand_image(where, im)
   if not torch.isTensor(im) or im:dim() ~= 2 then error(where .. ': expected a matrix', 3) end
   if not im.conv2 then error(string.format('%s: expected a matrix of numbers to compute with, got a %s; convert it', where, torch.type(im))) end
end

function filters.erode(im, kern, pad)
   demand_image('image.erode', im)
   kern = kern or torch.ones(3, 3):typeAs(im)
   demand_elements('image.erode', kern, 2)
   return bordered(im, kern, pad or 1):conv2(kern):eq(kern:sum()):typeAs(im)
end

function filters.dilate(im, kern, pad)
   demand_image('image.dilate', im)
   kern = kern or torch.ones(3, 3):typeAs(im)
   demand_elements('image.dilate', kern, 2)
   kern = image.hflip(image.vflip(kern))
   return bordered(im, kern, pad or 0):conv2(kern):gt(0):typeAs(im)
end

-- The image under a linear map of positions around its middle; matrix and translation are for (y, x).
function filters.affinetransform(...)
   local given, dst = { n = select('#', ...), ... }, nil
   if given.n >= 3 and type(given[3]) ~= 'string' then
      dst, given.n = table.remove(given, 1), given.n - 1
   end
   local src, matrix, mode, translation, clamp, pad = unpack(given, 1, 6)
   if given.n < 2 or given.n > 6 or not torch.isTensor(src) or not torch.isTensor(matrix) then
      error('image.affinetransform: expected [a destination,] an image, a matrix, [mode, translation, clamp mode, pad]', 2)
   end
   local high, wide = src:size(src:dim() - 1), src:size(src:dim())
   local grid = torch.Tensor(2, high, wide)
   grid[1]:copy(torch.linspace((high - 1) / 2, (1 - high) / 2, high):view(high, 1):expand(high, wide))
   grid[2]:copy(torch.linspace((wide - 1) / 2, (1 - wide) / 2, wide):view(1, wide):expand(high, wide))
   local field = grid - torch.mm(matrix:typeAs(grid), grid:view(2, high * wide)):view(2, high, wide)
   translation = torch.Tensor(translation or { 0, 0 })
   for i = 1, 2 do field[i]:add(-translation[i]) end
   if dst then return image.warp(dst, src, field, mode or 'bilinear', true, clamp or 'clamp', pad) end
   return image.warp(src, field, mode or 'bilinear', true, clamp or 'clamp', pad)
end

return filters
