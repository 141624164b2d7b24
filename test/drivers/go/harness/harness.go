// Package harness does what every stack's program does: it runs the topics one after the other, and prints
// what came of each as a line of JSON. Whether that is right is the runner's to say: it compares with
// PostgreSQL's own.
package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	clients  = 20
	rounds   = 10
	deadline = 15 * time.Second
)

// SlowQuery runs until it is cancelled.
const SlowQuery = "select pg_sleep(30) /* the slow one */"

// Topic is one thing that a stack does, and what it came to: anything JSON can say that is the same at every run.
type Topic struct {
	Name string
	Run  func(context.Context) (any, error)
}

// Session is one connection, for as long as it is open.
type Session interface {
	// Run returns the first column of the rows.
	Run(ctx context.Context, sql string) ([]*string, error)
	Close()
}

type script struct {
	Topic string      `json:"topic"`
	Steps [][2]string `json:"steps"`
}

type report struct {
	Topic  string  `json:"topic"`
	Result any     `json:"result"`
	Failed *string `json:"failed,omitempty"`
}

// DatabaseURL is where the programs connect to.
func DatabaseURL() string { return os.Getenv("DATABASE_URL") }

// Main runs the topics and the scripts of plain SQL.
func Main(topics []Topic, open func(context.Context) (Session, error)) {
	scripts, err := readScripts()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, script := range scripts {
		topics = append(topics, Topic{script.Topic, func(ctx context.Context) (any, error) {
			return play(ctx, script, open)
		}})
	}
	for _, topic := range topics {
		tell(topic)
	}
}

// SQLState returns the SQLSTATE of a driver's error.
func SQLState(err error) string {
	var failure interface{ SQLState() string }
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &failure):
		return failure.SQLState()
	default:
		return "no SQLSTATE: " + err.Error()
	}
}

// AtOnce runs work for twenty clients at once and returns the results in order.
func AtOnce[Result any](work func(client int) (Result, error)) ([]Result, error) {
	results := make([]Result, clients)
	failures := make([]error, clients)
	var group sync.WaitGroup
	for client := range clients {
		group.Add(1)
		go func() {
			defer group.Done()
			results[client], failures[client] = work(client)
		}()
	}
	group.Wait()
	return results, errors.Join(failures...)
}

// OwnTags returns, for each of twenty clients, the different tags that it got in ten transactions: only ever its own.
func OwnTags(countOnce func(tag string) (string, error)) ([][]string, error) {
	return AtOnce(func(client int) ([]string, error) {
		var seen []string
		for range rounds {
			tag, err := countOnce(fmt.Sprintf("tag %d", client))
			if err != nil {
				return nil, err
			}
			if !slices.Contains(seen, tag) {
				seen = append(seen, tag)
			}
		}
		return seen, nil
	})
}

// Until returns as soon as the condition holds, looking again and again.
func Until(ctx context.Context, condition func() (bool, error)) error {
	for {
		holds, err := condition()
		if err != nil || holds {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func readScripts() ([]script, error) {
	text, err := os.ReadFile(os.Getenv("SCRIPTS"))
	if err != nil {
		return nil, err
	}
	var scripts []script
	return scripts, json.Unmarshal(text, &scripts)
}

func play(ctx context.Context, script script, open func(context.Context) (Session, error)) (any, error) {
	sessions := map[string]Session{}
	defer func() {
		for _, session := range sessions {
			session.Close()
		}
	}()
	results := make([]any, 0, len(script.Steps))
	for _, step := range script.Steps {
		session, known := sessions[step[0]]
		if !known {
			opened, err := open(ctx)
			if err != nil {
				return nil, err
			}
			session, sessions[step[0]] = opened, opened
		}
		rows, err := session.Run(ctx, step[1])
		if err != nil {
			results = append(results, SQLState(err))
		} else {
			results = append(results, rows)
		}
	}
	return results, nil
}

func tell(topic Topic) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	result, err := topic.Run(ctx)
	line := report{Topic: topic.Name, Result: result}
	if err != nil {
		why := err.Error()
		line.Failed = &why
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		panic(err)
	}
}
