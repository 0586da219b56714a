"""The peers, one file each, all speaking ``protocol.py``; they import no symgraph."""
