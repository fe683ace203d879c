-- The table of torchmpi.parameterserver, which its parts fill.
return {}
