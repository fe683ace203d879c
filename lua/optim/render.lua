-- A picture of a confusion matrix: one square per cell, the brighter the larger its share of the row; right answers
-- are green, mistakes red. Class names stand on the left where the package image is there to write them.
local colours = { right = { 0.1, 0.8, 0.3 }, wrong = { 0.9, 0.2, 0.1 }, border = 0.25, ground = 0.08 }

-- Classes in the order of the rows: by 'score' the best recognised first, by 'occurrence' the most frequent first,
-- else as they are.
local function order_of(matrix, sortmode)
   local order, key = {}, {}
   for class = 1, matrix.nclasses do
      order[class] = class
      if sortmode == 'score' then
         local rate = matrix.valids[class]
         key[class] = rate == rate and rate or -1
      else
         key[class] = matrix.mat[class]:sum()
      end
   end
   if sortmode == 'score' or sortmode == 'occurrence' then
      table.sort(order, function(a, b) return key[a] > key[b] or (key[a] == key[b] and a < b) end)
   end
   return order
end

-- fills a rectangle of the picture, all from 1
local function fill(picture, top, left, height, width, colour, strength)
   for channel = 1, 3 do
      local value = colours.ground + (colour[channel] - colours.ground) * strength
      picture:select(1, channel):narrow(1, top, height):narrow(2, left, width):fill(value)
   end
end

local function write_names(picture, matrix, order, block)
   local found, image = pcall(require, 'image')
   if not found or not image.drawText then return picture end
   for row, class in ipairs(order) do
      local name = matrix.classes[class]
      if name then
         local y = math.floor((row - 1) * block + block / 4)
         picture = image.drawText(picture, tostring(name), 4, y, { color = { 255, 255, 255 } })
      end
   end
   return picture
end

local function size_option(name, value, default)
   value = value or default
   if type(value) ~= 'number' or value < 1 then
      error('ConfusionMatrix:render: ' .. name .. ' should be a number of pixels, got ' .. tostring(value), 4)
   end
   return math.floor(value)
end

-- sortmode: 'score' (the default), 'occurrence' or any other for none; display: show it with image.display; block: the
-- size of a cell (25); legendwidth: the room for names (200). Gives a tensor of 3 x height x width, from 0 to 1.
return function(matrix, sortmode, display, block, legendwidth)
   block = size_option('block', block, 25)
   local legend = #matrix.classes > 0 and size_option('legendwidth', legendwidth, 200) or 0
   matrix:updateValids()
   local order = order_of(matrix, sortmode or 'score')
   local side = matrix.nclasses * block
   local picture = torch.FloatTensor(3, side, legend + side):fill(colours.ground)
   picture:narrow(3, legend + 1, side):fill(colours.border)
   local inner = math.max(block - 1, 1)
   for row, target in ipairs(order) do
      local counts = matrix.mat[target]
      local total = math.max(counts:sum(), 1)
      for column, predicted in ipairs(order) do
         local colour = target == predicted and colours.right or colours.wrong
         local top, left = (row - 1) * block + 1, legend + (column - 1) * block + 1
         fill(picture, top, left, inner, inner, colour, counts[predicted] / total)
      end
   end
   picture = write_names(picture, matrix, order, block)
   if display then require('image').display { image = picture, legend = 'confusion matrix' } end
   return picture
end
