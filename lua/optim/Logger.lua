-- optim.Logger: a text file with one column per quantity of a training run, and plots of the columns.
require 'paths'
require 'xlua'

local Logger = torch.class('optim.Logger')

-- makes the folder of a file, and those above it
local function make_folder(file)
   local missing = {}
   local folder = paths.dirname(file)
   while folder ~= '' and not paths.dirp(folder) and folder ~= paths.dirname(folder) do
      table.insert(missing, 1, folder)
      folder = paths.dirname(folder)
   end
   for _, name in ipairs(missing) do paths.mkdir(name) end
end

-- filename: where to write, the standard output by default; timestamp: whether the time becomes part of the name.
function Logger:__init(filename, timestamp)
   if filename then
      if type(filename) ~= 'string' then
         error('optim.Logger: the name of a file expected, got a ' .. torch.type(filename))
      end
      self.name = filename
      local full = timestamp and filename .. os.date('-%Y_%m_%d_%X') or filename
      make_folder(full)
      local file, why = io.open(full, 'w')
      if not file then error('optim.Logger: cannot write ' .. full .. ': ' .. tostring(why), 2) end
      self.file = file
      self.epsfile = filename .. '.eps'
   else
      self.name = 'stdout'
      self.file = io.stdout
      print('<Logger> warning: no path provided, logging to std out')
   end
   self.empty = true
   self.symbols, self.styles, self.names, self.idx = {}, {}, {}, {}
   self.showPlot = true
   self.logscale = false
   self.defaultStyle = '+'
end

-- writes to the file; what the system refuses is an error, here and not rows later
local function write(self, ...)
   local ok, why = self.file:write(...)
   if not ok then error('optim.Logger: cannot write ' .. self.name .. ': ' .. tostring(why)) end
end

-- opens the column `key`, with its title
local function open_column(self, key, title)
   write(self, tostring(title), '\t')
   self.symbols[key] = {}
   self.styles[key] = { self.defaultStyle }
   self.idx[title] = key
end

local function end_line(self)
   write(self, '\n')
   local ok, why = self.file:flush()
   if not ok then error('optim.Logger: cannot write ' .. self.name .. ': ' .. tostring(why)) end
end

-- the keys of a row: the list part in order, then the named ones by name, so that columns never change places
local function keys_of(row)
   local keys, named = {}, {}
   for key in ipairs(row) do keys[key] = key end
   for key in pairs(row) do
      if not keys[key] then named[#named + 1] = key end
   end
   table.sort(named, function(a, b) return tostring(a) < tostring(b) end)
   for _, key in ipairs(named) do keys[#keys + 1] = key end
   return keys
end

-- Titles of the columns, in order; writes the header.
function Logger:setNames(names)
   if type(names) ~= 'table' then
      error('Logger:setNames: expected a list of names, got ' .. torch.type(names), 2)
   end
   self.names = names
   self.empty = false
   self.nsymbols = #names
   for _, key in ipairs(keys_of(names)) do open_column(self, key, names[key]) end
   end_line(self)
   return self
end

-- Adds a row: one number or string per column. Without names, the keys of the first row become the titles.
function Logger:add(row)
   if type(row) ~= 'table' then error('Logger:add: expected a table of values, got ' .. torch.type(row), 2) end
   local keys = keys_of(row)
   if self.empty then
      self.empty = false
      self.nsymbols = #row
      for _, key in ipairs(keys) do
         self.names[key] = key
         open_column(self, key, key)
      end
      end_line(self)
   end
   for _, key in ipairs(keys) do
      local value = row[key]
      if type(value) == 'number' then
         write(self, string.format('%11.4e', value))
      elseif type(value) == 'string' then
         write(self, value)
      else
         error('<Logger> can only log numbers and strings, got ' .. torch.type(value) .. ' for ' .. tostring(key), 2)
      end
      write(self, '\t')
   end
   end_line(self)
   -- a row longer than the names stands in the file whole, and is an error after that
   for _, key in ipairs(keys) do
      local column = self.symbols[key]
      if not column then error('Logger:add: there is no column ' .. tostring(key), 2) end
      column[#column + 1] = row[key]
   end
end

-- How to plot each column: a gnuplot style, or a list of styles to draw the column several times.
function Logger:style(styles)
   if type(styles) ~= 'table' then
      error('Logger:style: a table of styles expected, got ' .. (styles == nil and 'nothing' or 'a ' .. torch.type(styles)))
   end
   for key, style in pairs(styles) do
      if type(style) == 'string' then
         style = { style }
      elseif type(style) ~= 'table' then
         error('<Logger> style should be a string or a table of strings, got ' .. torch.type(style), 2)
      end
      self.styles[key] = style
   end
   return self
end

function Logger:setlogscale(state) self.logscale = state end

function Logger:display(state) self.showPlot = state end

-- the keys of the columns with these titles; all where none is named
local function chosen(self, titles)
   if #titles == 0 then return keys_of(self.symbols) end
   local keys = {}
   for i, title in ipairs(titles) do
      keys[i] = self.idx[title]
      if not self.symbols[keys[i]] then error('Logger:plot: there is no column ' .. tostring(title), 3) end
   end
   return keys
end

-- the curves of those columns that hold numbers, two at least, as gnuplot.plot takes them
local function curves(self, keys)
   local list = {}
   for _, key in ipairs(keys) do
      local values, numeric = self.symbols[key], true
      for _, v in ipairs(values) do numeric = numeric and type(v) == 'number' end
      if numeric and #values > 1 then
         local title = tostring(self.names[key])
         for _, style in ipairs(self.styles[key]) do list[#list + 1] = { title, torch.Tensor(values), style } end
      end
   end
   return list
end

-- Runs the commands that have an argument, in this order.
local function draw(self, gnuplot, plots)
   for _, command in ipairs {
      { 'logscale', self.logscale and 'on' },
      { 'plot', plots },
      { 'raw', self.plotRawCmd },
      { 'grid', 'on' },
      { 'title', string.format('<Logger::%s>', self.name) },
   } do
      local name, argument = unpack(command)
      if argument then gnuplot[name](argument) end
   end
end

-- Plots the columns of these titles, or all, on the screen (see display) and into an .eps file beside the log.
function Logger:plot(...)
   local gnuplot = require 'gnuplot'
   local plots = curves(self, chosen(self, { ... }))
   if #plots == 0 then return end
   if self.showPlot then
      self.figure = self.figure or gnuplot.figure()
      gnuplot.figure(self.figure)
      draw(self, gnuplot, plots)
   end
   if self.epsfile then
      os.remove(self.epsfile)
      local figure = gnuplot.epsfigure(self.epsfile)
      draw(self, gnuplot, plots)
      gnuplot.plotflush()
      gnuplot.close(figure)
   end
end
