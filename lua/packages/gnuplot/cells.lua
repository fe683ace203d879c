-- A figure for terminals that have no pictures: lines in half blocks, and letters as letters.
local chart = require 'gnuplot.chart'
local raster = require 'gnuplot.raster'
local cells = {}

-- one letter of the font
local WIDE, HIGH = 9, 16

-- the letters of a text in UTF-8
local function letters_of(text)
   local list = {}
   for c in text:gmatch '[%z\1-\127\194-\244][\128-\191]*' do list[#list + 1] = c:find '%c' and ' ' or c end
   return list
end

-- The figure in so many columns and rows: bytes of 3 x 2 rows x columns, and a line of letters for each row, where a space is none.
function cells.draw(figure, columns, rows)
   local drawing = chart.draw(figure, columns * WIDE, rows * HIGH)
   local pixels = require('image').scale(raster.draw(drawing, { bare = true, least = 5 }), columns, 2 * rows, 'bilinear')
   local grid = {}
   for r = 1, rows do
      grid[r] = {}
      for c = 1, columns do grid[r][c] = ' ' end
   end
   for _, s in ipairs(drawing.list) do
      if s.kind == 'text' then
         local list = letters_of(s.text)
         local back = ({ start = 0, middle = 0.5, ['end'] = 1 })[s.anchor] * #list
         for k, letter in ipairs(list) do
            local c, r = math.floor(s.x / WIDE - back + 0.5) + k, math.floor((s.y - 5) / HIGH) + 1
            if s.upright then c, r = math.floor(s.x / WIDE), math.floor((s.y - 5) / HIGH + back) + 2 - k end
            if grid[r] and grid[r][c] then grid[r][c] = letter end
         end
      end
   end
   for r = 1, rows do grid[r] = table.concat(grid[r]) end
   return pixels, table.concat(grid, '\n')
end

return cells
