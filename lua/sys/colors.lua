-- The escape sequences of the terminal's colours: red is plain, Red is bright, _red is the background.
local colors = { none = '\27[0m' }
for i, name in ipairs { 'black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white' } do
   local bright = name:sub(1, 1):upper() .. name:sub(2)
   colors[name] = '\27[0;3' .. i - 1 .. 'm'
   colors[bright] = '\27[1;3' .. i - 1 .. 'm'
   colors['_' .. name] = '\27[4' .. i - 1 .. 'm'
end
return colors
