package lint

// serialNumber: positive, below 2^159, and long enough to hold 64 random bits.
func serialNumber() certificateLint {
	return certificateLint{
		name: "mailid_serial_number", citation: "SBR 7.1; RFC 5280 4.1.2.2", effective: rfc5280(),
		check: func(in input) string {
			switch n := in.cert.SerialNumber; {
			case n.Sign() <= 0:
				return "the serial number is not positive"
			case n.BitLen() > 159:
				return "the serial number is not below 2^159"
			case n.BitLen() < 64:
				return "the serial number is too short to hold 64 random bits"
			default:
				return ""
			}
		},
	}
}
