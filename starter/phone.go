package main

import (
	"github.com/spf13/cobra"

	"securemailid.example/internal/order"
)

func (p *program) phone() *cobra.Command {
	c := &cobra.Command{
		Use:     "phone",
		GroupID: groupStaff,
		Short:   "電話による組織認証を記録 / Record organisation validation by telephone",
		Long: `組織認証の3段階を記録します。順序は問わず、ドメイン認証の完了前でも記録できます。
  1. number   独立した信頼できる情報源で申請団体の電話番号を確認 (申請書の番号は不可)
  2. reached  その番号に電話し、申請責任者への取次ぎ、または連絡先を得た
  3. confirm  申請責任者本人が電話で申請を確認した

Records the three steps of organisation validation, in any order, also while the domain is still open.
  1. number   the organisation's number, from an independent reliable source, never from the form
  2. reached  that number was called and led to the applicant representative
  3. confirm  the representative confirmed in person on the phone`,
	}
	c.AddCommand(p.phoneNumber(), p.phoneReached(), p.phoneConfirm())
	return c
}

func (p *program) phoneNumber() *cobra.Command {
	var source, reference string
	c := &cobra.Command{
		Use:   "number ORDER TELEPHONE --source SOURCE --reference TEXT",
		Short: "1. 電話番号を確認した / The number has been established",
		Example: `  starter phone number 1234567890 03-1234-5678 --source government --reference "法人番号公表サイト 2026-11-22"
  starter phone number 1234567890 0312345678 --source telephone-directory --reference "page 12"`,
		Args: cobra.ExactArgs(2),
	}
	c.Flags().StringVar(&source, "source", "", "情報源 / source: government, telephone-directory, commercial-database, attestation")
	c.Flags().StringVar(&reference, "reference", "", "再確認できる参照先 / what to look up to see it again")
	completeWords(c, "source", string(order.SourceGovernment), string(order.SourceDirectory), string(order.SourceDatabase), string(order.SourceAttestation))
	return p.actAsStaff(c, func(a order.Actor, args []string) (order.Command, error) {
		number, err := order.JapanesePhone(args[0])
		return order.PhoneNumberVerified{Actor: a, Number: number, Source: order.PhoneSource(source), Reference: reference}, err
	})
}

func (p *program) phoneReached() *cobra.Command {
	var contact, note string
	c := &cobra.Command{
		Use:   "reached ORDER [--contact-number TELEPHONE]",
		Short: "2. 申請責任者につながった / The representative was reached",
		Long: `確認済みの番号に電話し、申請責任者に取り次がれたことを記録します。連絡先の番号を教えられた場合は --contact-number を付けます。
Records that the verified number was called and transferred to the representative, or gave a number to reach them at.`,
		Example: `  starter phone reached 1234567890
  starter phone reached 1234567890 --contact-number 090-1234-5678`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&contact, "contact-number", "", "教えられた連絡先 / number that the organisation gave")
	c.Flags().StringVar(&note, "note", "", "メモ / note")
	return p.actAsStaff(c, func(a order.Actor, _ []string) (order.Command, error) {
		if contact == "" {
			return order.RepresentativeReached{Actor: a, How: order.ReachedByTransfer, Note: note}, nil
		}
		number, err := order.JapanesePhone(contact)
		return order.RepresentativeReached{Actor: a, How: order.ReachedByNumber, ContactNumber: number, Note: note}, underFlag(err, "--contact-number")
	})
}

func (p *program) phoneConfirm() *cobra.Command {
	var note string
	c := &cobra.Command{
		Use:     "confirm ORDER",
		Short:   "3. 本人が申請を確認した / The representative has confirmed",
		Example: `  starter phone confirm 1234567890 --note "本人に確認"`,
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&note, "note", "", "メモ / note")
	return p.actAsStaff(c, func(a order.Actor, _ []string) (order.Command, error) {
		return order.RepresentativeConfirmed{Actor: a, Note: note}, nil
	})
}

// completeWords offers the words of a flag to the shell.
func completeWords(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}
