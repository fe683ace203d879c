-- Files of data as gnuplot reads them: lines of fields; an empty line parts lines, two of them parts of the file.
local data = {}

local function fields_of(line, separator)
   local list = {}
   if separator then
      local at = 1
      while true do
         local from = line:find(separator, at, true)
         local text = line:sub(at, from and from - 1 or -1):gsub('^%s+', ''):gsub('%s+$', '')
         list[#list + 1] = (text:gsub('^"(.*)"$', '%1'))
         if not from then return list end
         at = from + #separator
      end
   end
   local at = 1
   while true do
      at = line:find('%S', at)
      if not at then return list end
      local stop
      if line:sub(at, at) == '"' then
         stop = line:find('"', at + 1, true) or #line
         list[#list + 1] = line:sub(at + 1, stop - 1)
      else
         stop = line:find('%s', at) or #line + 1
         list[#list + 1] = line:sub(at, stop - 1)
         stop = stop - 1
      end
      at = stop + 1
   end
end

-- Rows of a file: { fields = { ... }, number = within its part, point = since an empty line, index = of the part },
-- with { gap = true } for empty lines. options:
-- separator, skip (lines at the beginning).
function data.read(path, options, refuse)
   local file, why = io.open(path, 'r')
   if not file then refuse('cannot read ' .. tostring(why)) end
   local rows, empty, index, number, point, left = {}, 0, 0, 0, 0, options.skip or 0
   local called, fault = pcall(function()
      for line in file:lines() do
         line = line:gsub('\r$', '')
         if left > 0 then
            left = left - 1
         elseif not line:find '^%s*#' then
            line = line:gsub('%s#.*$', '')
            if line:find '%S' then
               if empty >= 2 and #rows > 0 then
                  index, number, point = index + 1, 0, 0
               elseif empty == 1 then
                  point = 0
               end
               if empty > 0 and #rows > 0 then rows[#rows + 1] = { gap = true, index = index } end
               rows[#rows + 1] = { fields = fields_of(line, options.separator), number = number, point = point, index = index }
               number, point, empty = number + 1, point + 1, 0
            else
               empty = empty + 1
            end
         end
      end
   end)
   file:close()
   if not called then refuse('cannot read ' .. path .. ': ' .. tostring(fault):gsub('^%S+:%d+: ', '')) end
   return rows
end

-- Rows of some parts (`index 0`, `index 1:2`) and of every n-th line (`every 2`, `every ::1::10`).
function data.chosen(rows, index, every)
   local list = {}
   local first, last = (index or ''):match '^(%d+):?(%d*)'
   first, last = tonumber(first), tonumber(last) or tonumber(first)
   local step, from, to = 1, 0, math.huge
   if every then
      local parts = {}
      for part in (every .. ':'):gmatch '([^:]*):' do parts[#parts + 1] = tonumber(part) or false end
      step, from, to = math.max(1, parts[1] or 1), parts[3] or 0, parts[5] or math.huge
   end
   for _, row in ipairs(rows) do
      local inside = not first or row.index >= first and row.index <= last
      if inside and (row.gap or row.point >= from and row.point <= to and (row.point - from) % step == 0) then list[#list + 1] = row end
   end
   return list
end

return data
