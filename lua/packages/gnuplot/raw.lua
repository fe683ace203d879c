-- gnuplot.raw: the commands of gnuplot's own language that programs use.
local command = require 'gnuplot.command'
local expression = require 'gnuplot.expression'
local palette = require 'gnuplot.palette'
local settings = require 'gnuplot.settings'
local style = require 'gnuplot.style'
local raw = { kinds = settings.kinds }

-- abbreviations that programs use
local long = { se = 'set', pl = 'plot', p = 'plot', sp = 'splot', rep = 'replot', uns = 'unset' }
for brief, name in pairs {
   term = 'terminal', out = 'output', log = 'logscale', tit = 'title', xlab = 'xlabel', ylab = 'ylabel', auto = 'autoscale', samp = 'samples',
   multi = 'multiplot', xr = 'xrange', yr = 'yrange',
} do
   settings.set[brief], settings.unset[brief] = settings.set[brief] or settings.set[name], settings.unset[brief] or settings.unset[name]
end

-- settings that say where the next plot goes: what is drawn stays as it is
local elsewhere = style.set [[
   terminal term output out multiplot multi origin]]

-- what needs no answer: no window waits, and nothing is fitted on the way
local silent = style.set [[
   pause clear show bind exit quit raise lower cd pwd help history save undefine test]]

local function environment(figure, refuse)
   local s = figure.settings
   return {
      names = figure.names, separator = s.separator, samples = s.samples or 300, isosamples = math.min(s.isosamples or 20, 300), refuse = refuse,
      xrange = s.xrange, yrange = s.yrange, palette = s.palette or palette.named.color,
   }
end

local function assign(verb, rest, figure, refuse)
   local name, more = rest:match '^(%w+)%s*(.*)$'
   local known = settings[verb][name or '']
   if not known then
      local why = settings.missing[name or ''] or 'plots are drawn without gnuplot, and docs/packages.md lists what raw knows'
      refuse(string.format("'%s %s' is not there; %s", verb, name or '', why))
   end
   known(figure.settings, more, function(message) refuse(string.format("'%s %s': %s %s", verb, rest, name, message)) end, figure)
   return not elsewhere[name]
end

-- Runs one command. Whether the figure has to be drawn after it.
local function run_one(text, figure, refuse, plotted)
   local verb, rest = text:match '^%s*(%a+)%s*(.-)%s*$'
   verb = long[verb] or verb
   if not verb or text:match '^%s*[%a_][%w_]*%s*=[^=]' or text:match '^%s*[%a_][%w_]*%s*%([%w_%s,]*%)%s*=[^=]' then
      if not text:find '%S' then return false end
      if not expression.define(text, figure.names, refuse) then refuse(string.format("'%s' is no command", text)) end
      return false
   elseif verb == 'set' or verb == 'unset' then
      return assign(verb, rest, figure, refuse)
   elseif verb == 'plot' or verb == 'splot' then
      plotted(command[verb](rest, environment(figure, refuse)))
      return false
   elseif verb == 'replot' or verb == 'refresh' then
      if rest ~= '' then refuse(string.format("'%s' with another curve is not there; one plot takes several", verb)) end
      return true
   elseif verb == 'reset' then
      local s = figure.settings
      for key in pairs(s) do s[key] = nil end
      s.width, s.height, s.key = 640, 480, { 'right', 'top' }
      return true
   elseif verb == 'print' then
      io.stderr:write(tostring(expression.compile(rest, figure.names, refuse) {}), '\n')
      return false
   elseif verb == 'load' then
      local path = rest:match '^"(.*)"$' or rest:match "^'(.*)'$" or refuse "'load' lacks a name in quotes"
      local file, why = io.open(path, 'r')
      local source = file and file:read '*a'
      if file then file:close() end
      if not source then refuse("'load': cannot read " .. tostring(why or path)) end
      figure.loading = (figure.loading or 0) + 1
      if figure.loading > 20 then refuse "'load': files load each other without end" end
      local changed = raw.run(source, figure, refuse, plotted)
      figure.loading = figure.loading - 1
      return changed
   elseif not silent[verb] then
      refuse(string.format("'%s' is not there; plots are drawn without gnuplot, and docs/packages.md lists what raw knows", verb))
   end
   return false
end

-- Runs commands, parted by semicolons or lines; `plotted(content)` is called for each plot, `refuse(message)` raises an error.
-- Whether the figure has to be drawn after them.
function raw.run(text, figure, refuse, plotted)
   figure.names = figure.names or {}
   figure.loading = figure.loading or 0
   local lines = {}
   for line in (text:gsub('\\%s*\n', ' ') .. '\n'):gmatch '([^\n]*)\n' do
      if not line:find '^%s*#' then lines[#lines + 1] = line end
   end
   local changed = false
   for _, one in ipairs(command.pieces(table.concat(lines, '\n'), ';\n')) do changed = run_one(one, figure, refuse, plotted) or changed end
   return changed
end

return raw
